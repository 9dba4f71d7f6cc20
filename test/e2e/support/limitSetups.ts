import type { Json } from '../controlPlane/apiClient.js';
import { podOf, type PodManifest } from './podRequests.js';

/** LimitRange items and ResourceQuota specs of one namespace. */
export interface LimitSetup {
  readonly what: string;
  readonly limits?: readonly Json[];
  readonly quotas?: readonly Json[];
}

const container = (bounds: Json): Json => ({ type: 'Container', ...bounds });

/** One at a time; the combinations below are of these. */
const ITEMS: readonly (readonly [what: string, item: Json])[] = [
  ['max below our defaults', container({ max: { cpu: '50m', memory: '64Mi' } })],
  ['max between our request and limit', container({ max: { cpu: '500m', memory: '256Mi' } })],
  ['min above our defaults', container({ min: { cpu: '2', memory: '1Gi' } })],
  ['min between our request and limit', container({ min: { cpu: '200m', memory: '256Mi' } })],
  ['ratio 1', container({ maxLimitRequestRatio: { cpu: '1', memory: '1' } })],
  ['ratio 1.5, memory only', container({ maxLimitRequestRatio: { memory: '1500m' } })],
  ['ratio 20', container({ maxLimitRequestRatio: { cpu: '20' } })],
  ['default limits', container({ default: { cpu: '300m', memory: '100Mi' } })],
  [
    'default limits and requests',
    container({ default: { cpu: '300m', memory: '100Mi' }, defaultRequest: { cpu: '10m', memory: '10Mi' } }),
  ],
  [
    'ephemeral-storage',
    container({ max: { 'ephemeral-storage': '1Gi' }, min: { 'ephemeral-storage': '1Mi' } }),
  ],
  ['Pod max below our defaults', { type: 'Pod', max: { cpu: '80m', memory: '100Mi' } }],
  ['Pod max for one container of ours', { type: 'Pod', max: { cpu: '1', memory: '512Mi' } }],
  ['Pod min', { type: 'Pod', min: { cpu: '150m', memory: '200Mi' } }],
  ['Pod ratio', { type: 'Pod', maxLimitRequestRatio: { cpu: '2', memory: '3' } }],
];

const LIMITS: readonly LimitSetup[] = ITEMS.map(([what, item]) => ({ what, limits: [item] }));

/** Each with two others, every second one with the first of them alone too. */
const COMBINED: readonly LimitSetup[] = ITEMS.flatMap(([what, item], index) => {
  const at = (steps: number): readonly [string, Json] => ITEMS[(index + steps) % ITEMS.length] ?? ['', {}];
  const [second, third] = [at(5), at(9)];
  const pair = { what: `${what} + ${second[0]}`, limits: [item, second[1]] };
  const three = { what: `${pair.what} + ${third[0]}`, limits: [...pair.limits, third[1]] };
  return index % 2 === 0 ? [pair, three] : [three];
});

const PRIORITY = { scopeName: 'PriorityClass', operator: 'In', values: ['system-cluster-critical'] };

const QUOTAS: readonly LimitSetup[] = [
  { what: 'count of pods', quotas: [{ hard: { pods: '10' } }] },
  { what: 'large', quotas: [{ hard: { 'requests.cpu': '100', 'limits.memory': '1Ti' } }] },
  { what: 'small', quotas: [{ hard: { cpu: '90m', 'limits.memory': '400Mi' } }] },
  { what: 'requests only, small', quotas: [{ hard: { 'requests.memory': '100Mi' } }] },
  {
    what: 'two plain ones',
    quotas: [{ hard: { 'requests.cpu': '50m' } }, { hard: { 'limits.cpu': '900m' } }],
  },
  { what: 'BestEffort', quotas: [{ hard: { pods: '10' }, scopes: ['BestEffort'] }] },
  { what: 'BestEffort, none', quotas: [{ hard: { pods: '0' }, scopes: ['BestEffort'] }] },
  { what: 'NotBestEffort, none', quotas: [{ hard: { pods: '0' }, scopes: ['NotBestEffort'] }] },
  {
    what: 'NotBestEffort, small',
    quotas: [{ hard: { 'limits.cpu': '100m', pods: '5' }, scopes: ['NotBestEffort'] }],
  },
  { what: 'Terminating', quotas: [{ hard: { pods: '0', 'limits.memory': '1Mi' }, scopes: ['Terminating'] }] },
  {
    what: 'NotTerminating',
    quotas: [{ hard: { 'limits.memory': '1Mi' }, scopes: ['NotTerminating'] }],
  },
  {
    what: 'NotTerminating and NotBestEffort',
    quotas: [{ hard: { 'limits.memory': '1Mi' }, scopes: ['NotTerminating', 'NotBestEffort'] }],
  },
  {
    what: 'PriorityClass',
    quotas: [{ hard: { pods: '0', cpu: '1m' }, scopeSelector: { matchExpressions: [PRIORITY] } }],
  },
  {
    what: 'scopeSelector BestEffort',
    quotas: [
      {
        hard: { pods: '0' },
        scopeSelector: { matchExpressions: [{ scopeName: 'BestEffort', operator: 'Exists' }] },
      },
    ],
  },
  {
    what: 'scopeSelector NotBestEffort',
    quotas: [
      {
        hard: { pods: '0' },
        scopeSelector: { matchExpressions: [{ scopeName: 'NotBestEffort', operator: 'Exists' }] },
      },
    ],
  },
];

const MIXED: readonly LimitSetup[] = [
  {
    what: 'defaults and a quota that they fit',
    limits: [container({ default: { cpu: '10m', memory: '10Mi' } })],
    quotas: [{ hard: { 'limits.cpu': '20m', 'limits.memory': '20Mi', 'requests.cpu': '20m' } }],
  },
  {
    what: 'a max and a NotBestEffort quota',
    limits: [container({ max: { memory: '64Mi' } })],
    quotas: [{ hard: { pods: '0' }, scopes: ['NotBestEffort'] }],
  },
  {
    what: 'a Pod max and a BestEffort quota',
    limits: [{ type: 'Pod', max: { cpu: '1' } }],
    quotas: [{ hard: { pods: '0' }, scopes: ['BestEffort'] }],
  },
];

export const LIMIT_SETUPS: readonly LimitSetup[] = [...LIMITS, ...COMBINED, ...QUOTAS, ...MIXED];

const one = (resources?: Json, name = 'main'): Json => ({
  name,
  image: 'registry.example/shop/web:1',
  ...(resources === undefined ? {} : { resources }),
});
const main = (resources?: Json): { containers: Json[] } => ({ containers: [one(resources)] });

/** Pods of different resources, from none to more than any node has. */
export const LIMITED_PODS: readonly (readonly [what: string, manifest: PodManifest])[] = (
  [
    ['none', main()],
    ['limits only', main({ limits: { cpu: '40m', memory: '60Mi' } })],
    ['requests only', main({ requests: { cpu: '40m', memory: '60Mi' } })],
    ['requests above our limits', main({ requests: { cpu: '3', memory: '2Gi' } })],
    ['a request of cpu', main({ requests: { cpu: '200m' } })],
    ['a limit of memory', main({ limits: { memory: '300Mi' } })],
    ['all', main({ requests: { cpu: '200m', memory: '256Mi' }, limits: { cpu: '300m', memory: '300Mi' } })],
    ['zeros', main({ requests: { cpu: '0', memory: '0' } })],
    ['ephemeral-storage only', main({ limits: { 'ephemeral-storage': '100Mi' } })],
    ['a GPU only', main({ limits: { 'example.com/gpu': '1' } })],
    ['pod-level', { ...main(), resources: { limits: { cpu: '400m', memory: '200Mi' } } }],
    [
      'pod-level and its own',
      { ...main({ limits: { cpu: '40m' } }), resources: { limits: { cpu: '1', memory: '1Gi' } } },
    ],
    [
      'two containers, one with',
      { containers: [one({ limits: { cpu: '40m', memory: '60Mi' } }), one(undefined, 'other')] },
    ],
    ['three containers', { containers: [one(), one(undefined, 'b'), one(undefined, 'c')] }],
    ['an init container', { ...main(), initContainers: [one({ requests: { cpu: '40m' } }, 'init')] }],
    [
      'an init container without',
      { ...main({ limits: { cpu: '40m', memory: '60Mi' } }), initContainers: [one(undefined, 'init')] },
    ],
    ['a sidecar', { ...main(), initContainers: [{ ...one(undefined, 'proxy'), restartPolicy: 'Always' }] }],
    [
      'a sidecar with, and an init container',
      {
        ...main(),
        initContainers: [
          { ...one({ limits: { cpu: '40m', memory: '60Mi' } }, 'proxy'), restartPolicy: 'Always' },
          one(undefined, 'init'),
        ],
      },
    ],
    ['huge', main({ requests: { cpu: '1000', memory: '100Ti' }, limits: { cpu: '2000', memory: '200Ti' } })],
    ['terminating', { ...main(), activeDeadlineSeconds: 60 }],
    ['of a priority class', { ...main(), priorityClassName: 'system-cluster-critical' }],
  ] as const
).map(([what, spec]) => [what, podOf('web', spec)]);
