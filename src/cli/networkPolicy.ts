import { Command } from 'commander';
import { namespaceProblem } from '../preview/choices.js';
import { closedAddresses, type ClosedAddress } from './closedAddresses.js';
import { addClusterFlags, openCluster, type ClusterFlags } from './clusterFlags.js';
import { CommandError } from './commandError.js';
import { parseIp, parseRange, type IpRange } from './ipAddress.js';
import { parseLabelSelector } from './labelSelector.js';
import type { Output } from './output.js';
import { processOutput } from './output.js';

export interface NetworkPolicyOptions extends ClusterFlags {
  readonly namespace?: string | undefined;
  readonly podSelector?: string | undefined;
  readonly name?: string | undefined;
  readonly address?: readonly string[] | undefined;
  readonly nodeRules?: boolean | undefined;
  readonly podCidr?: readonly string[] | undefined;
}

const DEFAULT_NAME = 'keep-from-api-server';

const HELP = `
The addresses are those that are given or, where none is, those of the cluster: the endpoints and cluster IPs of the
Service default/kubernetes, the nodes of the control plane, and the kubeconfig's server. Reads only, writes nothing.
What the policy cannot do stands in its comments.
Exit status: 0, or 2 where an option is wrong or the cluster cannot be read.

Example: for all pods of a namespace, for some, and for nodes whose network plugin enforces no policy
  $ kube-harden network-policy -n shop --address 10.0.0.10,10.96.0.1
  $ kube-harden network-policy -n shop --pod-selector '!needs-api' --address 10.0.0.10 --address 2001:db8::10
  $ kube-harden network-policy --node-rules --pod-cidr 10.244.0.0/16 --address 10.0.0.10,10.96.0.1`;

/** `kube-harden network-policy`. What goes wrong is a CommandError, with exit code 2. */
export function networkPolicyCommand(output: Output = processOutput): Command {
  const list = (value: string, before: string[] | undefined): string[] => [
    ...(before ?? []),
    ...value.split(',').map((part) => part.trim()),
  ];
  const command = new Command('network-policy')
    .description(
      "print a NetworkPolicy that keeps a namespace's pods from the API server, and from nothing else",
    )
    .option('-n, --namespace <name>', 'whose pods (default: that of the context, else "default")')
    .option(
      '--pod-selector <selector>',
      'only these pods of the namespace, as kubectl -l: app=web,!needs-api',
    )
    .option('--name <name>', `of the policy (default: "${DEFAULT_NAME}")`)
    .option('--address <ip,...>', 'of the API server, IPv4 or IPv6; may be repeated', list)
    .option('--node-rules', 'print the iptables commands for a node instead; all of its pods are kept away')
    .option(
      '--pod-cidr <cidr,...>',
      'with --node-rules: from which the pods of the node come; may be repeated',
      list,
    );
  return addClusterFlags(command)
    .addHelpText('after', HELP)
    .action(async (options: NetworkPolicyOptions) => {
      const { text, missing } = await runNetworkPolicy(options);
      output.stdout(text);
      for (const line of missing) output.stderr(`warning: addresses may be missing: ${line}\n`);
    });
}

/**
 * @returns what is printed, and why addresses may be missing in it
 * @throws CommandError where an option is wrong or the cluster cannot be read
 */
export async function runNetworkPolicy(
  options: NetworkPolicyOptions,
): Promise<{ readonly text: string; readonly missing: readonly string[] }> {
  const problems: string[] = [];
  const { name = DEFAULT_NAME } = options;
  problems.push(...togetherProblems(options), ...nameProblems(options.namespace ?? 'default', name));
  const given = closedAddresses(
    (options.address ?? []).map((address) => ({ address, from: '--address' })),
    problems,
  );
  const podRanges = ranges(options.podCidr ?? [], problems);
  if (problems.length > 0) throw new CommandError(problems);
  const podSelector =
    options.podSelector === undefined ? [] : parseLabelSelector(options.podSelector, '--pod-selector');
  const read = given.length === 0 || namesCluster(options) ? await readCluster(options) : NOTHING_READ;
  const { missing } = read;
  const addresses = distinct([...given, ...read.addresses]);
  if (options.nodeRules === true) {
    const { nodeRules } = await import('./nodeRules.js');
    return { text: nodeRules({ addresses, podRanges, missing }), missing };
  }
  const namespace = options.namespace ?? read.namespace;
  const { networkPolicyYaml } = await import('./networkPolicyText.js');
  return { text: networkPolicyYaml({ name, namespace, podSelector, addresses, missing }), missing };
}

/** Options that have no meaning together. */
function togetherProblems({
  nodeRules,
  podCidr,
  podSelector,
  namespace,
  name,
}: NetworkPolicyOptions): string[] {
  if (nodeRules !== true) return podCidr === undefined ? [] : ['--pod-cidr is for --node-rules'];
  const about = { '--namespace': namespace, '--pod-selector': podSelector, '--name': name };
  const wrong = Object.entries(about).filter(([, value]) => value !== undefined);
  return [
    ...wrong.map(
      ([flag]) => `${flag} has no meaning with --node-rules: a node's rules are about all of its pods`,
    ),
    ...(podCidr === undefined
      ? [
          "--node-rules needs --pod-cidr: kubectl get nodes -o jsonpath='{.items[*].spec.podCIDRs}' tells them",
        ]
      : []),
  ];
}

const OBJECT_NAME = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const OBJECT_NAME_MAX = 253;

function nameProblems(namespace: string, name: string): string[] {
  const wrong = namespaceProblem(namespace);
  const isName = OBJECT_NAME.test(name) && name.length <= OBJECT_NAME_MAX;
  return [
    ...(wrong === undefined ? [] : [`--namespace: ${wrong}`]),
    ...(isName ? [] : [`--name: ${JSON.stringify(name)} is not an object's name (a-z, 0-9, - and .)`]),
  ];
}

function ranges(given: readonly string[], problems: string[]): IpRange[] {
  return given.flatMap((text) => {
    const range = parseRange(text);
    if (!('problem' in range)) return [range];
    problems.push(`--pod-cidr: ${range.problem}`);
    return [];
  });
}

function distinct(addresses: readonly ClosedAddress[]): ClosedAddress[] {
  return addresses.filter(({ text }, index) => addresses.findIndex((other) => other.text === text) === index);
}

interface ReadAddresses {
  readonly addresses: readonly ClosedAddress[];
  readonly missing: readonly string[];
}

interface ReadCluster extends ReadAddresses {
  /** The context's. */
  readonly namespace: string;
}

const NOTHING_READ: ReadCluster = { addresses: [], missing: [], namespace: 'default' };

/** One of the flags that say which cluster is given. */
function namesCluster(options: NetworkPolicyOptions): boolean {
  const { kubeconfig, context, cluster, server } = options;
  return [kubeconfig, context, cluster, server].some((value) => value !== undefined);
}

async function readCluster(options: NetworkPolicyOptions): Promise<ReadCluster> {
  const { readApiServerAddresses, AddressesUnknownError } = await import('../cluster/apiServerAddresses.js');
  const { api, server, namespace } = await openCluster(options);
  try {
    const { addresses, missing } = await readApiServerAddresses(api);
    const problems: string[] = [];
    const closed = closedAddresses(addresses, problems);
    return { ...withServer(closed, [...missing, ...problems], server), namespace };
  } catch (error) {
    if (!(error instanceof AddressesUnknownError)) throw error;
    throw new CommandError(`${error.message}; the addresses can be given: --address IP`, 2, { cause: error });
  } finally {
    api.close();
  }
}

/** By the address in the kubeconfig, of a load balancer say, pods may reach the API server too. */
function withServer(
  addresses: readonly ClosedAddress[],
  missing: readonly string[],
  server: string,
): ReadAddresses {
  const host = new URL(server).hostname.replaceAll(/^\[|\]$/g, '');
  const parsed = parseIp(host);
  if (!('problem' in parsed))
    return { addresses: distinct([...addresses, { ...parsed, from: "the kubeconfig's server" }]), missing };
  // A tunnel's end on this machine tells nothing about the cluster.
  if (/^(?:localhost$|127\.|::1$)/.test(host)) return { addresses, missing };
  const line = `the kubeconfig's server ${host} is a name: give its addresses too (--address)`;
  return { addresses, missing: [...missing, line] };
}
