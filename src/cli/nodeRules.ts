import type { ClosedAddress } from './closedAddresses.js';
import type { IpRange } from './ipAddress.js';

const CHAIN = 'KUBE-HARDEN-API';

const HEAD = [
  '#!/bin/sh',
  '# Keeps the pods of this node from the API server, whatever the network plugin enforces. kube-harden only prints it:',
  '# read it, and run it as root on the node, again after each start of the node.',
  '#',
  '# It closes ALL pods of the node in, CoreDNS and controllers too: it is for nodes that run tenants alone (the rule',
  '# "scheduling" keeps them there). Pods on the host network, the kubelet and kube-proxy go on as before.',
  '# To undo it, delete the two jumps (-D in place of -C), then -F and -X the chain.',
  'set -eu',
];

export interface NodeRuleChoices {
  readonly addresses: readonly ClosedAddress[];
  /** From which pods of the node come. */
  readonly podRanges: readonly IpRange[];
  /** Why addresses may be missing, one line each. */
  readonly missing: readonly string[];
}

/** A shell script of iptables and ip6tables commands, which may be run any number of times. */
export function nodeRules({ addresses, podRanges, missing }: NodeRuleChoices): string {
  const lines = [
    ...HEAD,
    ...missing.flatMap((line) => [`# Addresses may be missing: ${line}`]),
    ...familyLines('iptables', 4, addresses, podRanges),
    ...familyLines('ip6tables', 6, addresses, podRanges),
  ];
  return `${lines.join('\n')}\n`;
}

function familyLines(
  tool: string,
  family: 4 | 6,
  addresses: readonly ClosedAddress[],
  podRanges: readonly IpRange[],
): string[] {
  const closed = addresses.filter((address) => address.family === family);
  const ranges = podRanges.filter((range) => range.family === family);
  if (closed.length === 0) return [];
  if (ranges.length === 0)
    return [
      '',
      `# ${closed.map(({ text }) => text).join(', ')}: left open, no --pod-cidr is of IPv${family}.`,
    ];
  return [
    '',
    `${tool} -w -N ${CHAIN} 2>/dev/null || ${tool} -w -F ${CHAIN}`,
    ...closed.flatMap(({ text, from }) => [
      `# ${from}: as the destination, and as what it was before a Service was translated.`,
      `${tool} -w -A ${CHAIN} -d ${text} -j REJECT`,
      `${tool} -w -A ${CHAIN} -m conntrack --ctorigdst ${text} -j REJECT`,
    ]),
    // An API server on this node itself is reached through INPUT.
    ...ranges.flatMap(({ text }) =>
      ['FORWARD', 'INPUT'].map((chain) => {
        const rule = `-s ${text} -j ${CHAIN}`;
        return `${tool} -w -C ${chain} ${rule} 2>/dev/null || ${tool} -w -I ${chain} 1 ${rule}`;
      }),
    ),
  ];
}
