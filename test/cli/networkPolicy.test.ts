import { expect } from 'chai';
import { createServer, type Server } from 'node:http';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandError } from '../../src/cli/commandError.js';
import {
  networkPolicyCommand,
  runNetworkPolicy,
  type NetworkPolicyOptions,
} from '../../src/cli/networkPolicy.js';
import { parseKubernetesYaml } from '../../src/policy/yaml.js';
import { runHelpExample } from '../support/helpExample.js';

interface NetworkPolicy {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly podSelector: object;
    readonly egress: readonly {
      readonly to: readonly { readonly ipBlock?: { readonly cidr: string; readonly except?: string[] } }[];
      readonly ports?: readonly object[];
    }[];
  };
}

function parsed(text: string): NetworkPolicy {
  const documents = parseKubernetesYaml(text);
  expect(documents).to.have.length(1);
  return documents[0]?.object as NetworkPolicy;
}

async function policyOf(options: NetworkPolicyOptions): Promise<NetworkPolicy> {
  return parsed((await runNetworkPolicy(options)).text);
}

/** @returns the lines of the CommandError */
async function refused(options: NetworkPolicyOptions): Promise<readonly string[]> {
  try {
    await runNetworkPolicy(options);
  } catch (error) {
    if (error instanceof CommandError) {
      expect(error.exitCode).to.equal(2);
      return error.lines;
    }
    throw error;
  }
  throw new Error('not refused');
}

describe('kube-harden network-policy', () => {
  it('allows everything but the addresses, pods, and DNS by itself', async () => {
    const { metadata, spec } = await policyOf({ namespace: 'shop', address: ['10.0.0.10', '2001:db8::10'] });
    expect(metadata).to.deep.equal({ name: 'keep-from-api-server', namespace: 'shop' });
    expect(spec).to.deep.equal({
      podSelector: {},
      policyTypes: ['Egress'],
      egress: [
        {
          to: [
            { ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.10/32'] } },
            { ipBlock: { cidr: '::/0', except: ['2001:db8::10/128'] } },
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
            { protocol: 'UDP', port: 53 },
            { protocol: 'TCP', port: 53 },
          ],
        },
      ],
    });
  });

  it('takes an address once, in whatever form, and leaves out `except` where there is none of a family', async () => {
    const { spec } = await policyOf({ address: ['2001:DB8:0:0::10', '2001:db8::10'] });
    expect(spec.egress[0]?.to).to.deep.equal([
      { ipBlock: { cidr: '0.0.0.0/0' } },
      { ipBlock: { cidr: '::/0', except: ['2001:db8::10/128'] } },
    ]);
  });

  it('selects pods as kubectl does', async () => {
    const podSelector =
      'app=web, tier!=db,env in (a, b),stage notin (c),owner,!example.org/needs-api,on==true,none=';
    const { spec } = await policyOf({ podSelector, address: ['10.0.0.10'] });
    expect(spec.podSelector).to.deep.equal({
      matchExpressions: [
        { key: 'app', operator: 'In', values: ['web'] },
        { key: 'tier', operator: 'NotIn', values: ['db'] },
        { key: 'env', operator: 'In', values: ['a', 'b'] },
        { key: 'stage', operator: 'NotIn', values: ['c'] },
        { key: 'owner', operator: 'Exists' },
        { key: 'example.org/needs-api', operator: 'DoesNotExist' },
        { key: 'on', operator: 'In', values: ['true'] },
        { key: 'none', operator: 'In', values: [''] },
      ],
    });
  });

  it('keeps names that YAML would read as something else', async () => {
    const { metadata } = await policyOf({ namespace: '123', name: 'null', address: ['10.0.0.10'] });
    expect(metadata).to.deep.equal({ name: 'null', namespace: '123' });
  });

  it('says in comments what it cannot do', async () => {
    const { text } = await runNetworkPolicy({ address: ['10.0.0.10'] });
    const comments = text.split('\n').filter((line) => line.startsWith('#'));
    expect(comments.join('\n')).to.match(
      /enforces no egress policies[^]*only add up[^]*host network[^]*write it anew/,
    );
    expect(comments.every((line) => line.length <= 120)).to.equal(true);
  });

  describe('--node-rules', () => {
    it('closes both families, as the destination and before translation, for forwarded and for local packets', async () => {
      const { text } = await runNetworkPolicy({
        nodeRules: true,
        podCidr: ['10.244.0.0/16', 'FD00::/64'],
        address: ['10.0.0.10', '2001:db8::10'],
      });
      expect(text).to.match(/^#!\/bin\/sh\n/);
      const jump = (tool: string, range: string, chain: string): string => {
        const rule = `-s ${range} -j KUBE-HARDEN-API`;
        return `${tool} -w -C ${chain} ${rule} 2>/dev/null || ${tool} -w -I ${chain} 1 ${rule}`;
      };
      const of = (tool: string, address: string, range: string): string[] => [
        `${tool} -w -N KUBE-HARDEN-API 2>/dev/null || ${tool} -w -F KUBE-HARDEN-API`,
        `${tool} -w -A KUBE-HARDEN-API -d ${address} -j REJECT`,
        `${tool} -w -A KUBE-HARDEN-API -m conntrack --ctorigdst ${address} -j REJECT`,
        jump(tool, range, 'FORWARD'),
        jump(tool, range, 'INPUT'),
      ];
      expect(text.split('\n').filter((line) => /^ip6?tables /.test(line))).to.deep.equal([
        ...of('iptables', '10.0.0.10', '10.244.0.0/16'),
        ...of('ip6tables', '2001:db8::10', 'fd00::/64'),
      ]);
    });
    it('says which addresses stay open for want of a range', async () => {
      const { text } = await runNetworkPolicy({
        nodeRules: true,
        podCidr: ['10.244.0.0/16'],
        address: ['10.0.0.10', '2001:db8::10'],
      });
      expect(text)
        .to.include('# 2001:db8::10: left open, no --pod-cidr is of IPv6.\n')
        .and.to.not.match(/^ip6tables/m);
    });
  });

  describe('refuses, a line for each', () => {
    const given = { address: ['10.0.0.10'] };
    const CASES: readonly (readonly [
      what: string,
      options: NetworkPolicyOptions,
      lines: readonly (string | RegExp)[],
    ])[] = [
      [
        'what is no address',
        { address: ['10.0.0.300', '', '010.0.0.1', 'fe80::1%eth0', 'api.example.com', '10.0.0.0/24'] },
        [
          '--address: "10.0.0.300" is not an IPv4 or IPv6 address',
          '--address: "" is not an IPv4 or IPv6 address',
          '--address: "010.0.0.1" is not an IPv4 or IPv6 address',
          '--address: "fe80::1%eth0" is not an IPv4 or IPv6 address',
          '--address: "api.example.com" is not an IPv4 or IPv6 address',
          '--address: "10.0.0.0/24" is a range; give each address',
        ],
      ],
      [
        'addresses that no API server has',
        { address: ['127.0.0.1', '::1', '0.0.0.0', '::', '224.0.0.1', 'ff02::1', '::ffff:10.0.0.1'] },
        [/loopback/, /loopback/, /unspecified/, /unspecified/, /multicast/, /multicast/, /give it as IPv4/],
      ],
      [
        'a wrong namespace',
        { ...given, namespace: 'Shop' },
        [/^--namespace: "Shop" is not a namespace's name/],
      ],
      ['a wrong name', { ...given, name: 'a_b' }, [/^--name: "a_b" is not an object's name/]],
      [
        'a wrong selector',
        { ...given, podSelector: 'a=b,c d' },
        [/^--pod-selector: "c d" is not of the form KEY=VALUE/],
      ],
      ['an empty selector', { ...given, podSelector: '' }, [/^--pod-selector: "" is not of the form/]],
      ['a wrong key', { ...given, podSelector: '-a=b' }, [/^--pod-selector: "-a=b"/]],
      [
        'node rules without ranges',
        { ...given, nodeRules: true },
        [/^--node-rules needs --pod-cidr: kubectl get nodes/],
      ],
      [
        'wrong ranges',
        { ...given, nodeRules: true, podCidr: ['10.244.0.0', '10.0.0.0/33', 'x/8'] },
        [/"10.244.0.0" is not a range/, /"10.0.0.0\/33"/, /"x\/8"/],
      ],
      [
        'ranges without node rules',
        { ...given, podCidr: ['10.244.0.0/16'] },
        ['--pod-cidr is for --node-rules'],
      ],
      [
        "a policy's options with node rules",
        { ...given, nodeRules: true, podCidr: ['10.244.0.0/16'], namespace: 'shop', podSelector: 'a=b' },
        [/^--namespace has no meaning with --node-rules/, /^--pod-selector has no meaning/],
      ],
      [
        'a kubeconfig that is not there',
        { kubeconfig: '/none' },
        ['kubeconfig: /none: no such file; check the path'],
      ],
    ];
    for (const [what, options, lines] of CASES) {
      it(what, async () => {
        const found = await refused(options);
        expect(found, found.join('\n')).to.have.length(lines.length);
        lines.forEach((line, index) =>
          typeof line === 'string'
            ? expect(found[index]).to.equal(line)
            : expect(found[index]).to.match(line),
        );
      });
    }
  });

  describe('addresses of a cluster', () => {
    let dir: string;
    let server: Server;
    let answers: Record<string, object | number>;
    const asked: string[] = [];
    const environment = { ...process.env };
    const kubeconfig = (): string => join(dir, 'config');

    beforeEach(async () => {
      dir = mkdtempSync(join(tmpdir(), 'network-policy-'));
      answers = {};
      asked.length = 0;
      server = createServer(({ url = '' }, response) => {
        asked.push(url);
        const [path = ''] = url.split('?');
        const answer = answers[path.slice(path.lastIndexOf('/') + 1)] ?? 404;
        const status = typeof answer === 'number' ? answer : 200;
        const body = typeof answer === 'number' ? { kind: 'Status', message: `told ${answer}` } : answer;
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      writeKubeconfig(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    });
    afterEach(() => {
      process.env = { ...environment };
      server.close();
      rmSync(dir, { recursive: true });
    });

    function writeKubeconfig(url: string): void {
      const config = {
        'current-context': 'one',
        contexts: [{ name: 'one', context: { cluster: 'one', user: 'one' } }],
        clusters: [{ name: 'one', cluster: { server: url, 'insecure-skip-tls-verify': true } }],
        users: [{ name: 'one', user: {} }],
      };
      writeFileSync(kubeconfig(), JSON.stringify(config));
    }

    const slice = (name: string, ...addresses: string[]): object => ({
      metadata: { name },
      addressType: 'IPv4',
      endpoints: [{ addresses }],
    });
    const exceptOf = ({ spec }: NetworkPolicy): string[] =>
      spec.egress[0]?.to.flatMap(({ ipBlock }) => ipBlock?.except ?? []) ?? [];

    it('are those of endpoints, Service and control plane nodes, each with where it is written', async () => {
      answers = {
        endpointslices: {
          items: [slice('kubernetes', '10.0.0.10', '10.0.0.11'), slice('v6', '2001:db8::10')],
        },
        kubernetes: { spec: { clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1', 'fd00::1'] } },
        nodes: {
          items: [
            {
              metadata: { name: 'cp-1' },
              status: {
                addresses: [
                  { type: 'InternalIP', address: '10.0.0.10' },
                  { type: 'ExternalIP', address: '203.0.113.5' },
                  { type: 'Hostname', address: 'cp-1' },
                ],
              },
            },
          ],
        },
      };
      const { text, missing } = await runNetworkPolicy({ kubeconfig: kubeconfig() });
      expect(missing).to.deep.equal([]);
      expect(exceptOf(parsed(text))).to.deep.equal([
        '10.0.0.10/32',
        '10.0.0.11/32',
        '10.96.0.1/32',
        '203.0.113.5/32',
        '2001:db8::10/128',
        'fd00::1/128',
      ]);
      expect(text).to.include('- 10.0.0.10/32 # EndpointSlice kubernetes\n');
      expect(text).to.include('- 10.96.0.1/32 # Service kubernetes\n');
      expect(text).to.include('- 203.0.113.5/32 # Node cp-1, ExternalIP\n');
      expect(asked.filter((url) => url.includes('nodes'))).to.deep.equal([
        '/api/v1/nodes?labelSelector=node-role.kubernetes.io%2Fcontrol-plane&limit=500',
      ]);
    });

    it('come from Endpoints where EndpointSlices may not be read, and what may not be read is told', async () => {
      answers = {
        endpointslices: 403,
        kubernetes: {
          subsets: [{ addresses: [{ ip: '10.0.0.10' }], notReadyAddresses: [{ ip: '10.0.0.11' }] }],
        },
        nodes: 403,
      };
      const { text, missing } = await runNetworkPolicy({ kubeconfig: kubeconfig() });
      expect(exceptOf(parsed(text))).to.deep.equal(['10.0.0.10/32', '10.0.0.11/32']);
      expect(missing).to.deep.equal(['the nodes of the control plane cannot be read: told 403']);
      expect(text).to.include(
        '#\n# Addresses may be missing:\n# - the nodes of the control plane cannot be read',
      );
    });

    it('are added to those that are given, where a kubeconfig is given too; $KUBECONFIG is read where none is', async () => {
      answers = { endpointslices: { items: [slice('kubernetes', '10.0.0.10')] } };
      const both = await policyOf({ kubeconfig: kubeconfig(), address: ['192.0.2.1'] });
      expect(exceptOf(both)).to.deep.equal(['192.0.2.1/32', '10.0.0.10/32']);
      process.env['KUBECONFIG'] = kubeconfig();
      expect(exceptOf(await policyOf({}))).to.deep.equal(['10.0.0.10/32']);
      asked.length = 0;
      expect(exceptOf(await policyOf({ address: ['192.0.2.1'] }))).to.deep.equal(['192.0.2.1/32']);
      expect(asked).to.deep.equal([]);
    });

    const FAILS: readonly (readonly [
      what: string,
      answers: Record<string, object | number>,
      message: RegExp,
    ])[] = [
      [
        'no endpoints',
        { endpointslices: { items: [] } },
        /Endpoints default\/kubernetes cannot be read: told 404; .*--address IP/,
      ],
      [
        'no rights',
        { endpointslices: 403, kubernetes: 403 },
        /EndpointSlices of default\/kubernetes cannot be read: told 403; .*--address IP/,
      ],
      [
        'expired credentials',
        { endpointslices: 401 },
        /does not accept the credentials \(401\): told 401; .*--address IP/,
      ],
    ];
    for (const [what, given, message] of FAILS) {
      it(`${what}: one line`, async () => {
        answers = given;
        const lines = await refused({ kubeconfig: kubeconfig() });
        expect(lines).to.have.length(1);
        expect(lines[0]).to.match(message);
      });
    }
    it('no server there: one line', async () => {
      writeKubeconfig('https://127.0.0.1:1');
      expect(await refused({ kubeconfig: kubeconfig() })).to.deep.equal([
        'the API server cannot be asked: connect ECONNREFUSED 127.0.0.1:1; the addresses can be given: --address IP',
      ]);
    });
    it('a context that is not there', async () => {
      expect(await refused({ kubeconfig: kubeconfig(), context: 'two' })).to.deep.equal([
        `kubeconfig: ${kubeconfig()}: there is no context "two"; it has one`,
      ]);
    });
    it('several kubeconfigs are one, and those that are not there are passed over', async () => {
      answers = { endpointslices: { items: [slice('kubernetes', '10.1.0.1')] } };
      process.env['KUBECONFIG'] = `/none:${kubeconfig()}`;
      expect(exceptOf(await policyOf({}))).to.deep.equal(['10.1.0.1/32']);
    });
    it("the namespace is the context's, unless one is given", async () => {
      answers = { endpointslices: { items: [slice('kubernetes', '10.1.0.1')] } };
      const config = JSON.parse(readFileSync(kubeconfig(), 'utf8')) as { contexts: { context: object }[] };
      Object.assign(config.contexts[0]?.context ?? {}, { namespace: 'shop' });
      writeFileSync(kubeconfig(), JSON.stringify(config));
      expect((await policyOf({ kubeconfig: kubeconfig() })).metadata.namespace).to.equal('shop');
      const given = await policyOf({ kubeconfig: kubeconfig(), namespace: 'web' });
      expect(given.metadata.namespace).to.equal('web');
    });
    it('no kubeconfig at all', async () => {
      delete process.env['KUBECONFIG'];
      process.env['HOME'] = dir;
      expect((await refused({}))[0]).to.match(/^kubeconfig: there is none: give --kubeconfig FILE/);
    });
  });

  it('the example of --help works as it is printed', () => {
    const printed = runHelpExample(networkPolicyCommand(), tmpdir());
    expect(printed.match(/^(?:kind|#!).*$/gm)).to.deep.equal([
      'kind: NetworkPolicy',
      'kind: NetworkPolicy',
      '#!/bin/sh',
    ]);
    expect(printed).to.include('{key: needs-api, operator: DoesNotExist}');
  }).timeout(60_000);

  it('is a command whose lists may be repeated', async () => {
    let out = '';
    const command = networkPolicyCommand({ stdout: (text) => void (out += text), stderr: () => undefined });
    await command.parseAsync(['-n', 'shop', '--address', '10.0.0.10, 10.0.0.11', '--address', '10.0.0.12'], {
      from: 'user',
    });
    expect(parsed(out).spec.egress[0]?.to[0]?.ipBlock?.except).to.deep.equal([
      '10.0.0.10/32',
      '10.0.0.11/32',
      '10.0.0.12/32',
    ]);
  });
});
