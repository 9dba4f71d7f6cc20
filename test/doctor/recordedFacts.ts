import { readFileSync } from 'node:fs';
import type { ContainerLogs, PodFacts } from '../../src/doctor/facts.js';
import { isRecord } from '../../src/hardening/locate.js';
import type { Plan } from '../../src/hardening/plan.js';
import type { RuleId } from '../../src/hardening/rule.js';
import { BUILTIN_POLICIES } from '../../src/policy/builtin.generated.js';
import { loadPolicyObject } from '../../src/policy/load.js';
import { PlanBook } from '../../src/policy/planBook.js';
import { overByName } from '../../src/policy/policy.js';

/** What was recorded of one broken workload; see test/fixtures/doctor/README.md. */
export interface Recorded {
  readonly title: string;
  readonly expected: {
    readonly rules: readonly RuleId[];
    /** `broken` unless given. */
    readonly state?: 'healthy' | 'broken';
  };
  readonly facts: PodFacts;
  /** Shortly after the last thing that the kubelet noted; milliseconds since the epoch. */
  readonly now: number;
}

export function readRecorded(file: URL): Recorded {
  const { title, expected, policy, facts } = JSON.parse(readFileSync(file, 'utf8')) as Omit<
    Recorded,
    'facts' | 'now'
  > & {
    readonly policy?: Record<string, unknown>;
    readonly facts: Omit<PodFacts, 'logs' | 'missing'> & {
      readonly logs: Readonly<Record<string, ContainerLogs>>;
    };
  };
  return {
    title,
    expected,
    facts: {
      ...facts,
      logs: new Map(Object.entries(facts.logs)),
      missing: [],
      plan: planOf(policy, facts.namespaceLabels),
    },
    now: lastTime(facts.pod) + 60_000,
  };
}

function planOf(spec: Record<string, unknown> | undefined, labels: Readonly<Record<string, string>>): Plan {
  const name = labels['kube-harden.io/policy'] ?? 'default';
  const own =
    spec === undefined
      ? []
      : [
          loadPolicyObject({
            apiVersion: 'kube-harden.io/v1alpha1',
            kind: 'HardeningPolicy',
            metadata: { name },
            spec,
          }),
        ];
  const policies = overByName(BUILTIN_POLICIES, own);
  return new PlanBook(policies, () => 0, 'kube-harden').planFor({
    name: 'shop',
    labels,
    uidRange: undefined,
    limitRanges: [],
    quotaByQos: false,
  });
}

function lastTime(value: unknown): number {
  if (typeof value === 'string' && /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/.test(value)) return Date.parse(value);
  if (Array.isArray(value)) return Math.max(0, ...value.map(lastTime));
  return isRecord(value) ? Math.max(0, ...Object.values(value).map(lastTime)) : 0;
}
