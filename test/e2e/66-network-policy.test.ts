import { expect } from 'chai';
import { CommandError } from '../../src/cli/commandError.js';
import { runNetworkPolicy, type NetworkPolicyOptions } from '../../src/cli/networkPolicy.js';
import { makeNode, removeNode } from './support/nodes.js';
import { bindClusterRole, makeClusterRole } from './support/rbac.js';
import { eventually } from './support/wait.js';
import { makeNamespace, world } from './support/world.js';

const SLICES = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
const ENDPOINTS = '/api/v1/namespaces/default/endpoints';
const V4 = '10.77.0.10';
const V6 = '2001:db8:77::10';
const OLDER = '10.77.0.99';
const NODE_IP = '203.0.113.77';

/** The endpoints that the API server's own reconciler would keep; it is off here, for it refuses loopback. */
function sliceOf(name: string, addressType: string, address: string): object {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType,
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports: [{ name: 'https', port: 6443, protocol: 'TCP' }],
  };
}

describe('network-policy, on the API server', function () {
  this.timeout(60_000);
  let node = '';
  let clusterIp = '';
  let namespace = '';
  let admin = '';

  before(async () => {
    const { controlPlane } = world();
    for (const slice of [sliceOf('kubernetes', 'IPv4', V4), sliceOf('kubernetes-v6', 'IPv6', V6)])
      expect((await controlPlane.api('POST', SLICES, slice)).status).to.equal(201);
    const endpoints = {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: { name: 'kubernetes', labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
      subsets: [{ addresses: [{ ip: OLDER }], ports: [{ name: 'https', port: 6443 }] }],
    };
    expect((await controlPlane.api('POST', ENDPOINTS, endpoints)).status).to.equal(201);
    node = await makeNode();
    const labels = { metadata: { labels: { 'node-role.kubernetes.io/control-plane': '' } } };
    expect((await controlPlane.api('PATCH', `/api/v1/nodes/${node}`, labels)).status).to.equal(200);
    const addresses = { status: { addresses: [{ type: 'ExternalIP', address: NODE_IP }] } };
    expect((await controlPlane.api('PATCH', `/api/v1/nodes/${node}/status`, addresses)).status).to.equal(200);
    clusterIp = (await controlPlane.api('GET', '/api/v1/namespaces/default/services/kubernetes')).body.spec
      .clusterIP;
    namespace = await makeNamespace();
    admin = await controlPlane.kubeconfigFor('e2e-network-admin', ['system:masters']);
  });
  after(async () => {
    const { controlPlane } = world();
    await removeNode(node);
    for (const path of [`${SLICES}/kubernetes`, `${SLICES}/kubernetes-v6`, `${ENDPOINTS}/kubernetes`])
      await controlPlane.api('DELETE', path);
  });

  /** What the API server would store of it. */
  async function accepted(text: string): Promise<{ readonly metadata: object; readonly spec: object }> {
    const args = ['apply', '--server-side', '--dry-run=server', '-o', 'json', '-f', '-'];
    return JSON.parse(await world().controlPlane.kubectlOutput(args, { input: text })) as never;
  }

  async function kubeconfigOf(account: string): Promise<string> {
    const { controlPlane } = world();
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts`;
    expect((await controlPlane.api('POST', path, { metadata: { name: account } })).status).to.equal(201);
    return controlPlane.serviceAccountKubeconfig(namespace, account);
  }

  it('reads the endpoints, the cluster IP and the nodes of the control plane; the API server takes the policy', async () => {
    const { text, missing } = await runNetworkPolicy({ kubeconfig: admin, namespace });
    expect(missing).to.deep.equal([]);
    const { metadata, spec } = await accepted(text);
    expect(metadata).to.deep.include({ name: 'keep-from-api-server', namespace });
    expect(spec).to.deep.equal({
      podSelector: {},
      policyTypes: ['Egress'],
      egress: [
        {
          to: [
            {
              ipBlock: {
                cidr: '0.0.0.0/0',
                except: [`${V4}/32`, `${clusterIp}/32`, `${NODE_IP}/32`],
              },
            },
            { ipBlock: { cidr: '::/0', except: [`${V6}/128`] } },
          ],
        },
        { to: [{ namespaceSelector: {} }] },
        {
          to: [
            {
              namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
              podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
            },
            { ipBlock: { cidr: '169.254.20.10/32' } },
          ],
          ports: [
            { port: 53, protocol: 'UDP' },
            { port: 53, protocol: 'TCP' },
          ],
        },
      ],
    });
  });

  const TAKEN: readonly (readonly [what: string, options: NetworkPolicyOptions])[] = [
    ['one IPv4 address', { address: ['10.0.0.10'] }],
    ['one IPv6 address', { address: ['2001:DB8:0::10'] }],
    ['an address of NodeLocal DNSCache', { address: ['169.254.20.10'] }],
    [
      'every form of a selector',
      {
        address: ['10.0.0.10'],
        podSelector:
          'app=web,tier!=db,env in (a,b),stage notin (c,d),owner,!example.org/needs-api,on=true,none=',
      },
    ],
    ['a name that is a number', { address: ['10.0.0.10'], name: '0' }],
  ];
  for (const [what, options] of TAKEN) {
    it(`the API server takes it: ${what}`, async () => {
      const { text } = await runNetworkPolicy({ namespace, ...options });
      expect((await accepted(text)).metadata).to.include({ namespace });
    });
  }

  it('reads Endpoints where it may read no EndpointSlices, and says what it could not see', async () => {
    const kubeconfig = await kubeconfigOf('older');
    await makeClusterRole('e2e-endpoints', [{ apiGroups: [''], resources: ['endpoints'], verbs: ['get'] }]);
    await bindClusterRole('e2e-endpoints', `${namespace}:older`);
    const { text, missing } = await eventually('the right in force', () =>
      runNetworkPolicy({ kubeconfig, namespace }).catch(() => undefined),
    );
    expect(text).to.include(`${OLDER}/32 # Endpoints kubernetes`).and.to.not.include(V4);
    expect(missing).to.have.length(2);
    expect(missing[0]).to.match(/^the Service default\/kubernetes cannot be read: .*forbidden/);
    expect(missing[1]).to.match(/^the nodes of the control plane cannot be read: .*forbidden/);
    await accepted(text);
  });

  it('without any right: one line that says what to do, exit 2', async () => {
    const kubeconfig = await kubeconfigOf('nothing');
    const error: unknown = await runNetworkPolicy({ kubeconfig, namespace }).catch(
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof CommandError)) throw error;
    expect([error.lines.length, error.exitCode]).to.deep.equal([1, 2]);
    expect(error.lines[0]).to.match(/EndpointSlices .* cannot be read: .*forbidden.*--address IP$/s);
  });
});
