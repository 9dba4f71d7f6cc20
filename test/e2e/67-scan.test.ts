import { expect } from 'chai';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { runPreview } from '../../src/cli/preview.js';
import { runScan, scanCommand, type ScanFlags } from '../../src/cli/scan.js';
import type { PreviewResult } from '../../src/preview/result.js';
import type { ScanReport, WorkloadReport } from '../../src/scan/report.js';
import { POLICY_REPORT_CRD } from '../scan/policyReportCrd.js';
import { makeNode, removeNode } from './support/nodes.js';
import { applyPolicy } from './support/hardeningPolicies.js';
import { podOf, type PodManifest } from './support/podRequests.js';
import { bindClusterRole, makeClusterRole, untilAllowed, type PolicyRule } from './support/rbac.js';
import { EVERY_RULE, RULE_PODS } from './support/rulePods.js';
import { eventually } from './support/wait.js';
import { makeNamespace, world } from './support/world.js';

const PAGE = readFileSync(new URL('../../docs/scan.md', import.meta.url), 'utf8');

const NAMESPACES = 20;
const POLICY = 'e2e-scanned';
/** What the namespaces ask for, in turn. */
const LABELS: readonly Readonly<Record<string, string>>[] = [
  {},
  { 'kube-harden.io/mode': 'audit', 'kube-harden.io/policy': POLICY },
  { 'kube-harden.io/mode': 'enforce' },
  { 'kube-harden.io/mode': 'disabled', 'kube-harden.io/policy': 'restricted' },
  { 'kube-harden.io/readOnlyRootFilesystem': 'disabled' },
];

interface Listed {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly ownerReferences?: readonly { readonly controller?: boolean }[];
    managedFields?: unknown;
  };
}

interface Manifest {
  readonly metadata: { readonly name: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

const COLLECTIONS: Readonly<Record<string, readonly [apiVersion: string, path: string]>> = {
  Deployment: ['apps/v1', '/apis/apps/v1/deployments'],
  StatefulSet: ['apps/v1', '/apis/apps/v1/statefulsets'],
  DaemonSet: ['apps/v1', '/apis/apps/v1/daemonsets'],
  ReplicaSet: ['apps/v1', '/apis/apps/v1/replicasets'],
  CronJob: ['batch/v1', '/apis/batch/v1/cronjobs'],
  Job: ['batch/v1', '/apis/batch/v1/jobs'],
  ReplicationController: ['v1', '/api/v1/replicationcontrollers'],
  Pod: ['v1', '/api/v1/pods'],
};

function templateOf({ spec }: PodManifest, name: string, more: object = {}): object {
  return { metadata: { labels: { app: name } }, spec: { ...spec, ...more } };
}

/** Of every kind something, with pods that each show another rule. */
function workloadsOf(index: number): [kind: string, manifest: Manifest][] {
  const pod = (at: number): PodManifest =>
    RULE_PODS[(index * 7 + at) % RULE_PODS.length]?.[1] ?? podOf('web');
  const chosen = (name: string): object => ({ selector: { matchLabels: { app: name } } });
  const replicated = (kind: string, name: string, at: number, more: object): [string, Manifest] => [
    kind,
    {
      metadata: { name, labels: { tier: at % 2 === 0 ? 'front' : 'back' } },
      spec: { ...chosen(name), template: templateOf(pod(at), name), ...more },
    },
  ];
  const job = { template: templateOf(pod(12), 'job', { restartPolicy: 'Never' }) };
  return [
    ...Array.from({ length: 9 }, (_, at) =>
      replicated('Deployment', `web-${at}`, at, { replicas: 1 + (at % 2) }),
    ),
    replicated('StatefulSet', 'data', 9, { replicas: 1, serviceName: 'data' }),
    replicated('DaemonSet', 'agent', 10, {}),
    [
      'CronJob',
      // It makes no Job while this runs.
      { metadata: { name: 'yearly' }, spec: { schedule: '0 0 1 1 *', jobTemplate: { spec: job } } },
    ],
    ['Job', { metadata: { name: 'once' }, spec: job }],
    [
      'ReplicaSet',
      { metadata: { name: 'alone' }, spec: { ...chosen('alone'), template: templateOf(pod(13), 'alone') } },
    ],
    [
      'ReplicationController',
      { metadata: { name: 'old' }, spec: { selector: { app: 'old' }, template: templateOf(pod(14), 'old') } },
    ],
    ['Pod', { ...podOf('bare', pod(15).spec) }],
  ];
}

async function create(kind: string, namespace: string, manifest: Manifest): Promise<string> {
  const [apiVersion = '', path = ''] = COLLECTIONS[kind] ?? [];
  const at = path.replace(/(\w+)$/, `namespaces/${namespace}/$1`);
  const { status, body } = await world().controlPlane.api('POST', at, { apiVersion, kind, ...manifest });
  if (status !== 201) throw new Error(`${kind} ${manifest.metadata.name} not made: ${JSON.stringify(body)}`);
  return (body as { metadata: { uid: string } }).metadata.uid;
}

/** The objects of a kind as kubectl shows them. */
async function listOf(kind: string, namespaces: readonly string[]): Promise<(Listed & { kind: string })[]> {
  const [apiVersion = '', path = ''] = COLLECTIONS[kind] ?? [];
  const { body } = await world().controlPlane.api<{ items: Listed[] }>('GET', path);
  return body.items
    .filter(({ metadata }) => namespaces.includes(metadata.namespace))
    .map((item) => {
      delete item.metadata.managedFields;
      return { apiVersion, kind, ...item };
    });
}

const keyOf = ({ kind, namespace, name }: { kind: string; namespace: string; name: string }): string =>
  `${kind} ${namespace}/${name}`;

describe('scan, on the API server', function () {
  this.timeout(180_000);
  let folder = '';
  let namespaces: readonly string[] = [];
  let wide = '';
  let node = '';

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kube-harden-scan-'));
    await applyPolicy(POLICY, EVERY_RULE);
    namespaces = await Promise.all(
      Array.from({ length: NAMESPACES }, (_, index) => makeNamespace(LABELS[index % LABELS.length])),
    );
    await Promise.all(
      namespaces.map(async (namespace, index) => {
        for (const [kind, manifest] of workloadsOf(index)) await create(kind, namespace, manifest);
      }),
    );
    node = await makeNode();
    const status = {
      status: { allocatable: { cpu: '8', memory: '16Gi' }, capacity: { cpu: '8', memory: '16Gi' } },
    };
    await world().controlPlane.api('PATCH', `/api/v1/nodes/${node}/status`, status);
    await eventually(
      'the pods of every Deployment',
      async () => {
        const pods = await listOf('Pod', namespaces);
        return pods.length >= NAMESPACES * (9 + 4 + 1 + 1 + 1 + 1 + 1);
      },
      60_000,
    );
    // Afterwards: with it the API server refuses pods without requests.
    await world().controlPlane.api('POST', `/api/v1/namespaces/${namespaces[0] ?? ''}/resourcequotas`, {
      metadata: { name: 'team' },
      spec: { hard: { 'requests.cpu': '1', 'limits.memory': '200Gi', pods: '100' } },
    });
    const { controlPlane } = world();
    await controlPlane.kubectlOutput(['apply', '-f', '-'], { input: JSON.stringify(POLICY_REPORT_CRD) });
    const crd = `crd/${POLICY_REPORT_CRD.metadata.name}`;
    await controlPlane.kubectlOutput(['wait', '--for=condition=Established', crd]);
    wide = await accountWith('wide', rolesInDocs());
  });
  after(async () => {
    await removeNode(node);
    await world().controlPlane.kubectl([
      'delete',
      'crd',
      POLICY_REPORT_CRD.metadata.name,
      '--ignore-not-found',
    ]);
    rmSync(folder, { recursive: true });
  });

  /** The kubeconfig of a new ServiceAccount with a ClusterRole, in all namespaces or some. */
  async function accountWith(
    name: string,
    rules: readonly PolicyRule[],
    where?: readonly string[],
  ): Promise<string> {
    const { controlPlane } = world();
    const home = namespaces[0] ?? '';
    await controlPlane.api('POST', `/api/v1/namespaces/${home}/serviceaccounts`, { metadata: { name } });
    await makeClusterRole(`e2e-scan-${name}`, rules);
    for (const namespace of where ?? [undefined])
      await bindClusterRole(`e2e-scan-${name}`, `${home}:${name}`, namespace);
    const kubeconfig = await controlPlane.serviceAccountKubeconfig(home, name);
    for (const rule of rules.slice(0, 1))
      for (const namespace of where ?? [home]) await untilAllowed(kubeconfig, rule, namespace);
    return kubeconfig;
  }

  async function scan(flags: ScanFlags): Promise<{ status: number; out: string; err: string }> {
    let [out, err] = ['', ''];
    const status = await runScan(flags, {
      stdout: (text) => void (out += text),
      stderr: (text) => void (err += text),
      stdin: () => Promise.reject(new Error('nothing is read')),
      colour: false,
      showsProgress: false,
    });
    return { status, out, err };
  }

  async function report(flags: ScanFlags): Promise<ScanReport & { status: number; err: string }> {
    const { status, out, err } = await scan({ ...flags, output: 'json' });
    const found = JSON.parse(out) as ScanReport;
    return {
      ...found,
      namespaces: found.namespaces.filter(({ name }) => namespaces.includes(name)),
      status,
      err,
    };
  }

  /** What `preview -o json` says of objects, by kind and name. */
  async function previewed(objects: readonly object[]): Promise<Map<string, PreviewResult>> {
    const namespacesFile = join(folder, 'namespaces.json');
    const policyFile = join(folder, 'policy.json');
    const { controlPlane } = world();
    writeFileSync(
      namespacesFile,
      await controlPlane.kubectlOutput(['get', 'namespaces,limitranges,resourcequotas', '-A', '-o', 'json']),
    );
    const metadata = { name: POLICY };
    writeFileSync(
      policyFile,
      JSON.stringify({
        apiVersion: 'kube-harden.io/v1alpha1',
        kind: 'HardeningPolicy',
        metadata,
        spec: EVERY_RULE,
      }),
    );
    let out = '';
    let err = '';
    await runPreview(
      {
        filename: ['-'],
        output: 'json',
        mode: 'enforce',
        namespacesFile,
        policyFile,
        podSecurityVersion: 'v1.36',
      },
      {
        stdout: (text) => void (out += text),
        stderr: (text) => void (err += text),
        stdin: () =>
          Promise.resolve(Buffer.from(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }))),
        colour: false,
      },
    );
    expect(err).to.equal('');
    const { results } = JSON.parse(out) as { results: PreviewResult[] };
    return new Map(results.map((result) => [keyOf(result), { ...result, source: '' }]));
  }

  it('says of every workload what preview says of the same object, a Deployment once', async () => {
    const started = performance.now();
    const found = await report({ kubeconfig: wide, allNamespaces: true });
    const took = Math.round(performance.now() - started);
    const lists = await Promise.all(Object.keys(COLLECTIONS).map((kind) => listOf(kind, namespaces)));
    const top = lists
      .flat()
      .filter(({ metadata }) => !metadata.ownerReferences?.some((owner) => owner.controller));
    const pods = lists.flat().filter(({ kind }) => kind === 'Pod').length;
    const workloads = found.namespaces.flatMap(({ name, workloads: own }) =>
      own.map((workload) => ({ ...workload, namespace: name })),
    );
    console.log(
      `      ${workloads.length} workloads with ${pods} pods in ${found.namespaces.length} namespaces, in ${took} ms`,
    );
    expect(workloads.length).to.be.at.least(300);
    expect(found.missing).to.deep.equal([]);
    expect(found.status).to.equal(1);
    expect(workloads.map(keyOf).sort()).to.deep.equal(
      top.map(({ kind, metadata }) => keyOf({ kind, ...metadata })).sort(),
    );
    const expected = await previewed(top);
    for (const workload of workloads) {
      expect(workload.results.map((result) => ({ ...result, source: '' }))).to.deep.equal([
        expected.get(keyOf(workload)),
      ]);
    }
  });

  it('says how a namespace stands now, and what enforce would make of it', async () => {
    const found = await report({ kubeconfig: wide, allNamespaces: true });
    const of = (index: number): ScanReport['namespaces'][number] | undefined =>
      found.namespaces.find(({ name }) => name === namespaces[index]);
    expect([0, 1, 2, 3, 4].map((index) => of(index)?.mode)).to.deep.equal([
      'disabled',
      'audit',
      'enforce',
      'disabled',
      'disabled',
    ]);
    expect([of(0)?.because, of(3)?.because]).to.deep.equal([
      'no label kube-harden.io/mode',
      'label kube-harden.io/mode=disabled',
    ]);
    expect([1, 2, 3].map((index) => of(index)?.policy)).to.deep.equal([POLICY, 'default', 'restricted']);
    expect([0, 2].map((index) => of(index)?.verdict)).to.deep.equal(['not yet', 'enforced']);
    expect(of(1)?.against.map(({ kind }) => kind)).to.include('denied');
    expect(found.neverTouched).to.include.members([
      'kube-system',
      'kube-public',
      'kube-node-lease',
      'kube-harden',
    ]);
  });

  it('adds up the requests, times replicas, beside quotas and nodes', async () => {
    const found = await report({ kubeconfig: wide, allNamespaces: true });
    const [first] = found.namespaces.filter(({ name }) => name === namespaces[0]);
    const own = first?.workloads ?? [];
    const of = (name: string): WorkloadReport | undefined => own.find((workload) => workload.name === name);
    // The policy's default is 100m for each container.
    expect(of('web-1'))
      .to.include({ replicas: 2 })
      .and.to.have.nested.property('added.requests\\.cpu', '200m');
    const replicas = own.reduce((sum, workload) => sum + workload.replicas, 0);
    expect(first?.added['requests.cpu']).to.equal(
      replicas % 10 === 0 ? String(replicas / 10) : `${replicas}00m`,
    );
    const row = first?.quotas.find(({ resource }) => resource === 'requests.cpu');
    expect(row).to.deep.include({
      quota: 'team',
      hard: '1',
      used: '0',
      added: first?.added['requests.cpu'],
      exceeded: true,
    });
    expect(first?.against.map(({ kind }) => kind)).to.include('quota');
    // In enforce they have them already.
    const [third] = found.namespaces.filter(({ name }) => name === namespaces[2]);
    const withPods = third?.workloads.filter(({ kind }) => kind === 'Deployment') ?? [];
    expect(withPods).to.have.length(9);
    for (const workload of withPods) expect(workload.added).to.deep.equal({});
    const cpu = found.nodes?.resources.find(({ resource }) => resource === 'requests.cpu');
    expect(cpu).to.include({ allocatable: '8', exceeded: true });
  });

  it('counts what a controller that is not known makes under its name', async () => {
    const namespace = await makeNamespace();
    namespaces = [...namespaces, namespace];
    // To the garbage collector any object will do.
    const { body } = await world().controlPlane.api<{ metadata: { uid: string } }>(
      'POST',
      `/api/v1/namespaces/${namespace}/configmaps`,
      { metadata: { name: 'rollout' } },
    );
    const ownerReferences = [
      { apiVersion: 'v1', kind: 'ConfigMap', name: 'rollout', uid: body.metadata.uid, controller: true },
    ];
    const template = templateOf(podOf('web'), 'web');
    const replicaSet = (name: string, replicas: number): Manifest => ({
      metadata: { name, ownerReferences },
      spec: { replicas, selector: { matchLabels: { app: 'web' } }, template },
    });
    await create('ReplicaSet', namespace, replicaSet('web-old', 0));
    await create('ReplicaSet', namespace, replicaSet('web-new', 3));
    await create('Deployment', namespace, {
      metadata: { name: 'operated', ownerReferences },
      spec: {
        selector: { matchLabels: { app: 'operated' } },
        template: templateOf(podOf('web'), 'operated'),
      },
    });
    const found = await report({ kubeconfig: wide, namespace: [namespace] });
    const [only] = found.namespaces;
    expect(
      only?.workloads.map(({ kind, name, controlledBy, replicas }) => ({
        kind,
        name,
        controlledBy,
        replicas,
      })),
    ).to.deep.equal([
      { kind: 'ConfigMap', name: 'rollout', controlledBy: null, replicas: 3 },
      { kind: 'Deployment', name: 'operated', controlledBy: 'ConfigMap/rollout', replicas: 1 },
    ]);
    for (const { results } of only?.workloads ?? []) {
      expect(results).to.have.length(1);
      expect(results[0]?.changes).to.not.be.empty;
    }
    expect(found.nodes).to.equal(null);
  });

  it('-l chooses workloads by their own labels', async () => {
    const { namespaces: found } = await report({
      kubeconfig: wide,
      allNamespaces: true,
      selector: 'tier in (front)',
    });
    const names = new Set(
      found.flatMap(({ workloads }) => workloads.map(({ kind, name }) => `${kind}/${name}`)),
    );
    expect([...names].sort()).to.deep.equal([
      'DaemonSet/agent',
      ...[0, 2, 4, 6, 8].map((at) => `Deployment/web-${at}`),
    ]);
  });

  const LIST_NAMESPACES: PolicyRule = { apiGroups: [''], resources: ['namespaces'], verbs: ['list'] };

  it('with rights in two namespaces: reports those, names what it could not see, exit 2', async () => {
    // Not those of a policy that may not be read.
    const readable = [namespaces[5] ?? '', namespaces[7] ?? ''];
    const kubeconfig = await accountWith('narrow', rolesInDocs(), readable);
    await makeClusterRole('e2e-scan-names', [LIST_NAMESPACES]);
    await bindClusterRole('e2e-scan-names', `${namespaces[0] ?? ''}:narrow`);
    const found = await eventually('the rights in force', async () => {
      const partial = await report({ kubeconfig, allNamespaces: true });
      return partial.namespaces.length === readable.length && partial;
    });
    expect(found.status).to.equal(2);
    expect(found.namespaces.map(({ name }) => name)).to.deep.equal([...readable].sort());
    const whole = await report({ kubeconfig: wide, allNamespaces: true });
    for (const partial of found.namespaces) {
      const same = whole.namespaces.find(({ name }) => name === partial.name);
      expect(partial.workloads).to.deep.equal(same?.workloads);
    }
    for (const namespace of namespaces.filter((name) => !readable.includes(name)))
      expect(found.missing.filter((line) => line.startsWith(`namespace ${namespace}: `))).to.have.length(1);
    expect(found.missing.join('\n')).to.include('hardeningpolicies').and.to.include('nodes');
    expect(found.missing.join('\n')).to.not.include('kube-system');
    expect(found.nodes).to.equal(null);
    for (const line of found.missing) expect(found.err).to.include(`warning: ${line}\n`);
    const named = await report({ kubeconfig, namespace: [...readable, namespaces[8] ?? ''] });
    expect(named.namespaces.map(({ name }) => name)).to.deep.equal([...readable].sort());
    expect([named.status, named.missing.length]).to.deep.equal([2, 2]);
  });

  it('where not even the names of namespaces may be listed: the one of the context, and exit 2', async () => {
    const home = namespaces[0] ?? '';
    const kubeconfig = await accountWith('inside', rolesInDocs(), [home]);
    const found = await eventually('the rights in force', async () => {
      const partial = await report({ kubeconfig, namespace: [home] });
      return partial.namespaces.some(({ workloads }) => workloads.length > 0) && partial;
    });
    expect(found.missing).to.have.length(1);
    expect(found.missing[0]).to.match(/^hardeningpolicies of the cluster: .*forbidden/);
    const all = await report({ kubeconfig, allNamespaces: true });
    expect([all.status, all.missing[0]]).to.satisfy(
      ([status, line]: [number, string]) => status === 2 && line.startsWith('all namespaces but '),
    );
  });

  it('its PolicyReports can be applied, and counted by the API server', async () => {
    const { controlPlane } = world();
    const [first = ''] = namespaces;
    const { out } = await scan({ kubeconfig: wide, namespace: [first], output: 'policyreport' });
    const applied = await eventually('the kind served', async () => {
      const { code, stdout } = await controlPlane.kubectl(['apply', '--validate=strict', '-f', '-'], {
        input: out,
      });
      return code === 0 && stdout;
    });
    expect(applied).to.equal('policyreport.wgpolicyk8s.io/kube-harden-scan created\n');
    const { body } = await controlPlane.api<{
      readonly summary: Readonly<Record<string, number>>;
      readonly results: readonly { readonly result: string; readonly resources: readonly object[] }[];
    }>('GET', `/apis/wgpolicyk8s.io/v1alpha2/namespaces/${first}/policyreports/kube-harden-scan`);
    for (const outcome of ['fail', 'warn', 'skip'])
      expect(body.results.filter(({ result }) => result === outcome).length, outcome).to.equal(
        body.summary[outcome],
      );
    expect(body.summary['warn']).to.be.above(0);
    expect(body.results[0]?.resources[0]).to.have.all.keys('apiVersion', 'kind', 'namespace', 'name', 'uid');
  });

  describe('docs/scan.md and --help', () => {
    before(async () => {
      const { controlPlane } = world();
      await controlPlane.kubectlOutput(['apply', '-f', '-'], { input: pageBlock('the cluster') });
      await eventually(
        'the pods of storefront',
        async () => (await listOf('Pod', ['storefront', 'logging'])).length === 4,
      );
      await controlPlane.kubectlOutput([
        'create',
        'quota',
        'team',
        '-n',
        'storefront',
        '--hard=limits.memory=1Gi,pods=20',
      ]);
      await eventually('the quota counted', async () => {
        const path = '/api/v1/namespaces/storefront/resourcequotas/team';
        const { body } = await controlPlane.api('GET', path);
        return body.status?.used !== undefined;
      });
    });

    /** Runs a command line as it is printed; what comes after a pipe is kubectl's. */
    async function typed(line: string): Promise<string> {
      const [own = '', piped] = line
        .replace(/^(?:node dist\/main\.js|kube-harden) scan /, '')
        .split(' | kubectl ');
      let out = '';
      const io = {
        stdout: (text: string) => void (out += text),
        stderr: (text: string) => void (out += text),
        stdin: () => Promise.reject(new Error('nothing is read')),
        colour: false,
        showsProgress: false,
      };
      const words = [...own.split(' '), '--kubeconfig', await withContext('production')];
      const before = process.exitCode;
      await scanCommand(io).exitOverride().parseAsync(words, { from: 'user' });
      expect(process.exitCode, line).to.be.oneOf([0, 1]);
      process.exitCode = before;
      if (piped === undefined) return out;
      return world().controlPlane.kubectlOutput(piped.split(' '), { input: out });
    }

    /** A copy of the kubeconfig with a context of this name. */
    async function withContext(name: string): Promise<string> {
      const config = parse(readFileSync(wide, 'utf8')) as { contexts: { name: string; context: object }[] };
      const [first] = config.contexts;
      config.contexts.push({ name, context: first?.context ?? {} });
      const path = join(folder, 'kubeconfig');
      await writeFile(path, JSON.stringify(config));
      return path;
    }

    for (const [, line = '', shown = ''] of PAGE.matchAll(/<!-- scanned: (.*) -->\n```text\n([^]*?)```/g)) {
      it(line, async () => {
        const out = await typed(line);
        expect(out.replace(world().controlPlane.url, 'https://10.0.0.10:6443')).to.equal(shown);
      });
    }

    it('the examples of --help run as they are printed', async () => {
      let help = '';
      scanCommand()
        .configureOutput({ writeOut: (part) => (help += part) })
        .outputHelp();
      const lines = [...help.matchAll(/^ {2}\$ (.*)$/gm)].map(([, line]) => line ?? '');
      expect(lines).to.have.length(4);
      // Another test file has a namespace of that name.
      for (const line of lines)
        expect(await typed(line.replace('-n shop', '-n storefront'))).to.not.equal('');
    });
  });

  it('a namespace that is not there, and credentials that the API server does not know: one line, exit 2', async () => {
    const { controlPlane } = world();
    for (const [flags, line] of [
      [
        { kubeconfig: wide, namespace: ['e2e-nowhere'] },
        /^--namespace: there is no namespace "e2e-nowhere"$/,
      ],
      [
        { kubeconfig: controlPlane.adminKubeconfig, context: 'nowhere', allNamespaces: true },
        /^kubeconfig: .*there is no context "nowhere"/,
      ],
      [
        {
          server: controlPlane.url,
          certificateAuthority: controlPlane.caFile,
          token: 'expired',
          namespace: ['default'],
        },
        /does not know these credentials/,
      ],
    ] as const) {
      const error: unknown = await scan(flags).catch((thrown: unknown) => thrown);
      expect(error).to.include({ exitCode: 2 });
      expect((error as { lines: string[] }).lines).to.have.length(1);
      expect((error as { lines: string[] }).lines[0]).to.match(line);
    }
  });
});

/** The rules of the ClusterRole that docs/scan.md has to paste. */
function rolesInDocs(): readonly PolicyRule[] {
  return (parse(pageBlock('the rights')) as { rules: readonly PolicyRule[] }).rules;
}

/** The YAML block of the page after this comment. */
function pageBlock(comment: string): string {
  const [, rest = ''] = PAGE.split(`<!-- ${comment} -->\n\`\`\`yaml\n`);
  return rest.split('```')[0] ?? '';
}
