import { resolvePlain } from '../policy/yamlScalar.js';
import type { ClosedAddress } from './closedAddresses.js';
import type { LabelRequirement } from './labelSelector.js';

export interface NetworkPolicyChoices {
  readonly name: string;
  readonly namespace: string;
  /** Empty for all pods of the namespace. */
  readonly podSelector: readonly LabelRequirement[];
  readonly addresses: readonly ClosedAddress[];
  /** Why addresses may be missing, one line each. */
  readonly missing: readonly string[];
}

/** What whoever applies it has to know. Sources: docs/network-policy.md. */
const LIMITS = [
  'It does nothing where the network plugin enforces no egress policies: kube-harden network-policy --node-rules.',
  'Policies only add up. Another one that selects these pods may allow the API server again; and to pods that a',
  '  stricter one closes in, this one opens everything else.',
  'It selects no pods on the host network, and may not keep a pod from the node that it runs on: keep both off the',
  '  nodes of the control plane.',
  'It closes the addresses that are known now, with all their ports. When they change, write it anew.',
  'Whoever reaches another pod or proxy that may talk to the API server reaches it through that one.',
  'Cilium takes nodes for no addresses (policy-cidr-match-mode): the API server on one is closed, and so are the',
  '  others, and NodeLocal DNSCache.',
];

/** DNS servers that are no pods: NodeLocal DNSCache listens there on every node, by its default. */
const NODE_LOCAL_DNS = '169.254.20.10/32';

/** The NetworkPolicy as YAML, with what it cannot do in comments. */
export function networkPolicyYaml(choices: NetworkPolicyChoices): string {
  const { name, namespace, podSelector, addresses, missing } = choices;
  const whose = podSelector.length === 0 ? 'the pods' : 'the selected pods';
  const lines = [
    `# Keeps ${whose} of namespace ${namespace} from the API server; all else stays allowed.`,
    '#',
    '# What it cannot do:',
    ...LIMITS.map((line) => (line.startsWith(' ') ? `# ${line}` : `# - ${line}`)),
    ...(missing.length === 0 ? [] : ['#', '# Addresses may be missing:']),
    ...missing.map((line) => `# - ${line}`),
    'apiVersion: networking.k8s.io/v1',
    'kind: NetworkPolicy',
    'metadata:',
    `  name: ${scalar(name)}`,
    `  namespace: ${scalar(namespace)}`,
    'spec:',
    ...selectorLines(podSelector),
    '  policyTypes: [Egress]',
    '  egress:',
    '    # Everywhere but to the API server.',
    '    - to:',
    ...blockLines('0.0.0.0/0', addresses, 4),
    ...blockLines('::/0', addresses, 6),
    '    # Pods: not every network plugin counts them among addresses. Those on the host network are not meant.',
    '    - to:',
    '        - namespaceSelector: {}',
    '    # DNS: the pods behind its Service, and NodeLocal DNSCache.',
    '    - to:',
    '        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}',
    '          podSelector: {matchLabels: {k8s-app: kube-dns}}',
    `        - ipBlock: {cidr: ${NODE_LOCAL_DNS}}`,
    '      ports:',
    '        - {protocol: UDP, port: 53}',
    '        - {protocol: TCP, port: 53}',
  ];
  return `${lines.join('\n')}\n`;
}

function selectorLines(requirements: readonly LabelRequirement[]): string[] {
  if (requirements.length === 0) return ['  podSelector: {}'];
  return [
    '  podSelector:',
    '    matchExpressions:',
    ...requirements.map(({ key, operator, values }) => {
      const list =
        values.length === 0 ? '' : `, values: [${values.map((value) => scalar(value)).join(', ')}]`;
      return `      - {key: ${scalar(key)}, operator: ${operator}${list}}`;
    }),
  ];
}

function blockLines(cidr: string, addresses: readonly ClosedAddress[], family: 4 | 6): string[] {
  const own = addresses.filter((address) => address.family === family);
  const length = family === 4 ? 32 : 128;
  return [
    '        - ipBlock:',
    `            cidr: ${scalar(cidr)}`,
    ...(own.length === 0 ? [] : ['            except:']),
    ...own.map(({ text, from }) => `              - ${scalar(`${text}/${length}`)} # ${from}`),
  ];
}

/** As it is where that is read as the same text; else quoted. */
function scalar(text: string): string {
  return /^[\w./-]+$/.test(text) && resolvePlain(text) === text ? text : JSON.stringify(text);
}
