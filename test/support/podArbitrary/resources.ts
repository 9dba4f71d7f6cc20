import type { Json } from '../apiValidation/json.js';
import type { Tape } from './tape.js';

type Quantity = string | number;

/** Request and limit in ascending order, in every way of writing a number. */
const PAIRS: Record<string, readonly [[Quantity, Quantity], ...[Quantity, Quantity][]]> = {
  cpu: [
    ['100m', '1'],
    ['0.5', '0.5'],
    [1, 2],
    ['1100n', '1m'],
    ['1e-1', '12e-1'],
    ['250000u', 1],
    [0, '0'],
  ],
  memory: [
    ['64Mi', '128Mi'],
    ['12e6', '256M'],
    ['1Gi', '1Gi'],
    [134217728, '1Gi'],
    ['0.5Gi', '1.5Gi'],
    ['100m', '1Ki'],
    ['+12E6', '.1G'],
  ],
  'ephemeral-storage': [['1Gi', '2Gi']],
};
const LARGE: Record<string, Quantity> = { cpu: '16', memory: '0.064Ti', 'ephemeral-storage': '100G' };

/** Pod-level: room for everything; so little that any default of ours is too much; no limits at all. */
export const PLENTY = { requests: { cpu: '64', memory: '512Gi' }, limits: { cpu: '64', memory: '512Gi' } };
export const LITTLE = { limits: { cpu: '10m', memory: '16Mi' } };
export const REQUESTS_ONLY = { requests: { memory: '512Gi' } };

export function resources(t: Tape, underPodLevel: boolean): Json | null | undefined {
  if (!t.chance(0.6))
    return t.chance(0.1) ? t.pick([{}, null, { requests: null, limits: {} }] as const) : undefined;
  const requests: Json = {};
  const limits: Json = {};
  for (const [name, pairs] of Object.entries(PAIRS)) {
    const shape = t.pick(['none', 'request', 'limit', 'both', 'both', 'large'] as const);
    const [request, limit] = t.pick(pairs);
    if (shape === 'request' || shape === 'both') requests[name] = request;
    if (shape === 'limit' || shape === 'both') limits[name] = limit;
    if (shape === 'large' && !underPodLevel) requests[name] = LARGE[name];
  }
  if (t.chance(0.08)) limits['example.com/gpu'] = requests['example.com/gpu'] = 1;
  return {
    ...(Object.keys(requests).length > 0 && { requests }),
    ...(Object.keys(limits).length > 0 && { limits }),
  };
}
