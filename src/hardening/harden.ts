import type { Plan, RulePlan } from './plan.js';
import { RuleError } from './ruleError.js';
import { PodDraft, type Hardening, type HardenInput } from './podDraft.js';

/**
 * Runs the catalogue over one pod. Pure: the same pod and plan always give the same changes.
 *
 * @param input the pod (or pod template) and what is known around it; `validatePod` has found nothing wrong with it
 * @param plan what the namespace and its policy ask, in the order in which rules run
 * @throws RuleError where a rule throws
 * @returns changes in the order they were made, with paths from the pod; skips; violations
 */
export function harden(input: HardenInput, plan: Plan): Hardening {
  const pod = new PodDraft(input, plan);
  for (const rulePlan of plan.rules) {
    pod.begin(rulePlan);
    // The API forbids Linux fields on a pod with `os: windows`, and a Windows kubelet knows none of them.
    if (rulePlan.rule.os === 'linux' && pod.isWindows) pod.skip('WindowsPod');
    else run(rulePlan, pod);
  }
  return { changes: pod.changes, skips: pod.skips, violations: pod.violations };
}

function run({ rule, settings }: RulePlan, pod: PodDraft): void {
  try {
    rule.apply(pod, settings);
  } catch (error) {
    throw new RuleError(rule.id, error);
  }
}
