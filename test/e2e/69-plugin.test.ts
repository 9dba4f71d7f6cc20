import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { parse, stringify } from 'yaml';
import { builtCommand } from '../cli/support/builtCommand.js';
import type { KubectlOptions, KubectlResult } from './controlPlane/kubectl.js';
import { makeNamespace, world } from './support/world.js';

interface Kubeconfig {
  readonly contexts: { name: string; context: Record<string, string> }[];
  readonly [field: string]: unknown;
}

const SLICES = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
/** The API server's own reconciler is off here. */
const SLICE = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'kubernetes-plugin', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
  addressType: 'IPv4',
  endpoints: [{ addresses: ['10.78.0.10'] }],
  ports: [],
};

const READ = /cannot be read: .*User "([^"]+)" cannot list/;

/** `kubectl harden ...` as a user types it: what stands after the name is the plugin's alone. */
describe('kubectl harden, on the API server', function () {
  this.timeout(60_000);
  let bin = '';
  let admin = '';
  let namespace = '';

  before(async () => {
    bin = await builtCommand();
    admin = await world().controlPlane.kubeconfigFor('e2e-plugin-admin', ['system:masters']);
    namespace = await makeNamespace();
    expect((await world().controlPlane.api('POST', SLICES, SLICE)).status).to.equal(201);
  });
  after(() => world().controlPlane.api('DELETE', `${SLICES}/${SLICE.metadata.name}`));

  function harden(args: string, { env, ...options }: KubectlOptions = {}): Promise<KubectlResult> {
    const PATH = [bin, process.env['PATH'] ?? ''].join(delimiter);
    return world().controlPlane.kubectl(['harden', ...args.split(' ')], {
      kubeconfig: admin,
      ...options,
      env: { ...env, PATH },
    });
  }

  /** Who the API server took the caller for, by its refusal. */
  async function refusedUser(args: string, options: KubectlOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await harden(args, options);
    expect({ code, stdout }).to.deep.equal({ code: 2, stdout: '' });
    expect(stderr.trimEnd().split('\n')).to.have.lengthOf(1);
    return READ.exec(stderr)?.[1] ?? stderr;
  }

  async function kubeconfigFile(name: string, change: (config: Kubeconfig) => object): Promise<string> {
    const path = join(world().controlPlane.folder.path, `plugin-${name}.kubeconfig`);
    await writeFile(path, stringify(change(parse(readFileSync(admin, 'utf8')) as Kubeconfig)));
    return path;
  }

  it('has flags and exit codes of its own', async () => {
    const input = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web' },
      spec: { containers: [{ name: 'web', image: 'web' }] },
    };
    const { code, stdout } = await harden('preview -f - -n shop -o json', { input });
    expect(code).to.equal(1);
    expect(JSON.parse(stdout)).to.have.nested.property('results[0].namespace', 'shop');
    expect((await harden('preview -f missing.yaml')).code).to.equal(2);
  });

  it('takes the cluster of KUBECONFIG, of several files too, and the namespace of its context', async () => {
    const contexts = await kubeconfigFile('contexts', ({ contexts: [context] }) => ({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'shop',
      contexts: [{ name: 'shop', context: { ...context?.context, namespace: 'shop' } }],
    }));
    const files = ['/missing', contexts, admin].join(delimiter);
    const { code, stdout, stderr } = await harden('network-policy --address 192.0.2.1 --context shop', {
      kubeconfig: files,
    });
    expect(code, stderr).to.equal(0);
    expect(stdout).to.include('- 10.78.0.10/32 # EndpointSlice kubernetes-plugin\n');
    expect(stdout).to.include('\n  namespace: shop\n');
    expect(
      (await harden('network-policy --address 192.0.2.1 --context shop -n web', { kubeconfig: files }))
        .stdout,
    ).to.include('\n  namespace: web\n');
  });

  it('--kubeconfig wins over KUBECONFIG', async () => {
    const other = await world().controlPlane.kubeconfigFor('e2e-plugin-nobody');
    expect(await refusedUser(`network-policy --kubeconfig ${other}`)).to.equal('e2e-plugin-nobody');
  });

  it('--as impersonates', async () => {
    expect(await refusedUser('network-policy --as e2e-plugin-somebody')).to.equal('e2e-plugin-somebody');
    expect(await refusedUser('network-policy --as e2e-plugin-somebody --as-group e2e-plugin-group')).to.equal(
      'e2e-plugin-somebody',
    );
  });

  it('--token, --server and --certificate-authority do without a kubeconfig', async () => {
    const { controlPlane } = world();
    const token = await controlPlane.serviceAccountToken(namespace, 'default');
    const flags = `--server ${controlPlane.url} --certificate-authority ${controlPlane.caFile}`;
    expect(await refusedUser(`network-policy ${flags} --token ${token}`, { kubeconfig: '' })).to.equal(
      `system:serviceaccount:${namespace}:default`,
    );
    const expired = await harden(`network-policy ${flags} --token expired`, { kubeconfig: '' });
    expect(expired.code).to.equal(2);
    expect(expired.stderr).to.match(/^error: [^\n]*credentials[^\n]*\n$/);
  });

  it('a context that is not there: one line', async () => {
    const { code, stderr } = await harden('network-policy --context nonsense');
    expect(code).to.equal(2);
    expect(stderr).to.match(/^error: kubeconfig: [^\n]*there is no context "nonsense"[^\n]*\n$/);
  });

  it('kubectl completes it', async () => {
    const PATH = [bin, process.env['PATH'] ?? ''].join(delimiter);
    const asked = await world().controlPlane.kubectl(['__complete', 'harden', 'policy', 'show', ''], {
      env: { PATH },
    });
    expect(asked.stdout).to.equal('baseline\ndefault\nrestricted\n:4\n');
  });
});
