import type { Json } from '../apiValidation/json.js';
import { freeFormMap, type Tape } from './tape.js';
import type { Traits } from './traits.js';

export function scheduling(t: Tape, spec: Json, windows: Traits['windows']): void {
  const windowsOnly = {
    key: t.pick(['kubernetes.io/os', 'beta.kubernetes.io/os'] as const),
    operator: 'In',
    values: ['windows'],
  };
  if (windows === 'nodeSelector') spec.nodeSelector = { 'kubernetes.io/os': 'windows' };
  else if (t.chance(0.3))
    spec.nodeSelector = t.chance(0.15) ? null : freeFormMap(t, ['example.com/pool', 'constructor', 'disk']);
  if (windows === 'affinity' || t.chance(0.25)) {
    const terms = Array.from({ length: 1 + t.upTo(2) }, () => {
      const expressions = t.some(EXPRESSIONS, 0.5).map((expression) => ({ ...expression }));
      return windows === 'affinity'
        ? { matchExpressions: [...expressions, windowsOnly] }
        : t.chance(0.3)
          ? {}
          : { matchExpressions: expressions };
    });
    const mixed = windows === 'no' && t.chance(0.2) ? [{ matchExpressions: [windowsOnly] }, {}] : [];
    spec.affinity = {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [...terms, ...mixed] },
        ...(t.chance(0.2) && {
          preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: {} }],
        }),
      },
    };
  } else if (t.chance(0.1)) {
    spec.affinity = t.pick([null, {}, { nodeAffinity: null }, { nodeAffinity: {} }] as const);
  }
  if (t.chance(0.3))
    spec.tolerations = t.chance(0.1)
      ? null
      : t.some(TOLERATIONS, 0.5).map((toleration) => ({ ...toleration }));
}

const EXPRESSIONS = [
  { key: 'example.com/pool', operator: 'In', values: ['a', 'b'] },
  { key: 'disk', operator: 'Exists' },
  { key: 'cores', operator: 'Gt', values: ['4'] },
  { key: 'kubernetes.io/os', operator: 'NotIn', values: ['windows'] },
];
const TOLERATIONS = [
  { operator: 'Exists' },
  { key: 'dedicated', operator: 'Equal', value: 'team-a', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 30 },
  { key: 'example.com/gpu', effect: 'PreferNoSchedule' },
];
