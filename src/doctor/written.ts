import { isRecord } from '../hardening/locate.js';
import type { Pod } from '../hardening/podSpec.js';
import type { RuleId } from '../hardening/rule.js';
import { RULES } from '../hardening/rules/index.js';
import { changedRules } from '../preview/explain.js';
import { holds } from '../preview/explainRunning.js';
import type { PodFacts } from './facts.js';
import { reach, type Reached } from './reach.js';
import { isWhatTheRuleWrites } from './ruleValues.js';

/** A field of the running pod that a rule wrote. */
export interface Written {
  readonly rule: RuleId;
  /** In field notation from the pod: `spec.containers[0].securityContext.readOnlyRootFilesystem`. */
  readonly field: string;
  /** The container that it is a field of; absent of the pod's own. */
  readonly container: string | undefined;
  /** The author's value; undefined where it was unset, and where nobody knows. */
  readonly before: unknown;
  /** What runs; undefined where the rule took the field away. */
  readonly after: unknown;
  /** Whether the author's value is known, and another. Else the value is merely one that the rule writes. */
  readonly isCompared: boolean;
}

/**
 * What rules wrote in a pod, found by comparing it with what its author wrote, field by field of those that a rule may
 * write. The annotation proves nothing, since anyone can write it: it only keeps a rule from being named that does not
 * act in the namespace today.
 */
export function writtenFields(facts: PodFacts): readonly Written[] {
  const running = podOf(facts.pod);
  const author = facts.author && podOf(facts.author.object);
  if (!running) return [];
  const named = new Set(changedRules(facts.pod));
  const written: Written[] = [];
  for (const { id: rule, fields } of RULES) {
    if (!acts(facts, rule) && !(author && named.has(rule))) continue;
    for (const pattern of fields) {
      const theirs = reach(running, pattern);
      const ours = author && new Map(reach(author, pattern).map((reached) => [reached.key, reached]));
      const isKnown = (reached: Reached): boolean =>
        author !== undefined && (reached.container === undefined || hasContainer(author, reached.container));
      for (const reached of theirs) {
        const before = ours?.get(reached.key)?.value;
        const isCompared = isKnown(reached);
        if (isCompared && holds(reached.value, before)) continue;
        const change = { before, after: reached.value, isCompared };
        if (!isWhatTheRuleWrites(rule, { ...reached, ...change }, facts)) continue;
        written.push({ rule, field: reached.field, container: reached.container, ...change });
      }
      const found = new Set(theirs.map(({ key }) => key));
      for (const reached of ours?.values() ?? []) {
        if (found.has(reached.key) || reached.value == null) continue;
        const change = { before: reached.value, after: undefined, isCompared: true };
        if (!isWhatTheRuleWrites(rule, { ...reached, ...change }, facts)) continue;
        written.push({ rule, field: reached.field, container: reached.container, ...change });
      }
    }
  }
  return written;
}

/** Whether the rule would write in this namespace today; where that is not known it may. */
function acts({ plan }: PodFacts, rule: RuleId): boolean {
  if (!plan) return true;
  const entry = plan.byId[rule];
  return plan.mode === 'enforce' && (entry?.action === 'Default' || entry?.action === 'Override');
}

function podOf(object: Record<string, unknown>): Pod | undefined {
  return isRecord(object['spec']) ? (object as unknown as Pod) : undefined;
}

function hasContainer({ spec }: Pod, name: string): boolean {
  return [spec.containers, spec.initContainers, spec.ephemeralContainers].some((list) =>
    list?.some((container) => container.name === name),
  );
}
