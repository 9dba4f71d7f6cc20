import type { KubernetesObject } from '../admission/types.js';
import { fieldPath } from '../hardening/fieldPath.js';
import { RULE_IDS, type RuleId } from '../hardening/rule.js';
import { changedRules } from '../preview/explain.js';
import { holds, runningValue } from '../preview/explainRunning.js';
import type { Preview } from '../preview/preview.js';
import type { DryRunAnswer } from './liveDryRun.js';

/** One thing in which the cluster's answer is not what was predicted. */
export interface LiveDifference {
  /** Null where it is about the whole object. */
  readonly rule: RuleId | null;
  /** From the object; null where it is about no field. */
  readonly field: string | null;
  /** Null where nothing was. */
  readonly predicted: unknown;
  /** Null where the cluster has nothing. */
  readonly cluster: unknown;
  /** What may have brought it about; null where nothing is known of that. */
  readonly because: string | null;
}

/**
 * - `same`: the cluster does what was predicted
 * - `different`: it does not
 * - `notCalled`: the webhook was not asked at all
 * - `unknown`: the cluster refuses the object for a reason that is not ours, so that there is nothing to compare
 */
export type LiveVerdict = 'same' | 'different' | 'notCalled' | 'unknown';

export interface Compared {
  readonly verdict: LiveVerdict;
  /** Why the webhook is not called, or the cluster's refusal; null with the others. */
  readonly reason: string | null;
  readonly differences: readonly LiveDifference[];
}

/** An object that was sent, what was predicted of it, and what would still be changed of the cluster's answer. */
export interface Sent {
  readonly object: KubernetesObject;
  readonly predicted: Preview;
  readonly answer: DryRunAnswer;
  /** Of the object that came back, hardened once more; undefined where none came. */
  readonly again: Preview | undefined;
}

/**
 * Compares only what hardening governs: each field that it sets, what it would still set in the answer, the rules that
 * the webhook's annotation names, its warnings and its refusal. What the API server and others add is passed over.
 *
 * @example a LimitRange gave the container a limit before the webhook saw it: that field is different
 */
export function compare(sent: Sent): Compared {
  const { predicted, answer } = sent;
  const { result } = predicted;
  if (answer.refusal !== undefined)
    return { verdict: 'unknown', reason: answer.refusal.replaceAll('\n', ' '), differences: [] };
  if (answer.denial !== undefined || result.outcome === 'denied') return compared(refusals(sent));
  const fields = [...(result.outcome === 'patched' ? fieldDifferences(sent) : []), ...unpredicted(sent)];
  // With other fields come other warnings, which tell nothing more.
  const differences = fields.length > 0 ? fields : warningDifferences(sent);
  if (differences.length === 0 && result.mode === 'disabled')
    return { verdict: 'notCalled', reason: result.because, differences };
  if (differences.length > 0 && isUntouched(sent)) return { verdict: 'notCalled', reason: null, differences };
  return compared(differences);
}

function compared(differences: readonly LiveDifference[]): Compared {
  return { verdict: differences.length === 0 ? 'same' : 'different', reason: null, differences };
}

/** Nothing of what comes back is our webhook's doing, though something was to be expected. */
function isUntouched({ object, predicted, answer }: Sent): boolean {
  const { result, changePaths } = predicted;
  const has = answer.object ?? {};
  const isMarked = changedRules(has).length > changedRules(object).length;
  const isWarned =
    result.warnings.some((text) => answer.warnings.includes(text)) || answer.warnings.some(isOurs);
  const isSet =
    result.outcome === 'patched' &&
    result.changes.some(({ after }, index) =>
      holds(runningValue(object, has, changePaths[index] ?? [], after), after),
    );
  return !isMarked && !isWarned && !isSet;
}

/** A refusal names the object; under another name it says the same of that one. */
function refusals({ predicted: { result }, answer }: Sent): LiveDifference[] {
  const cluster = answer.denial ?? null;
  const predicted = result.message;
  const text = (message: string | null): string | undefined => message?.replace(/\S+\/\S+:/, '');
  if (predicted !== null && text(cluster) === text(predicted)) return [];
  return [
    { rule: null, field: null, predicted: predicted ?? 'taken', cluster: cluster ?? 'taken', because: null },
  ];
}

function fieldDifferences({ object, predicted, answer, again }: Sent): LiveDifference[] {
  const { result, changePaths } = predicted;
  const found: LiveDifference[] = [];
  const left = new Set((again?.changePaths ?? []).map(fieldPath));
  result.changes.forEach(({ rule, after }, index) => {
    const path = changePaths[index] ?? [];
    const field = fieldPath(path);
    const cluster = runningValue(object, answer.object, path, after) ?? null;
    if (holds(cluster, after)) return;
    const because =
      cluster === null || left.has(field)
        ? null
        : 'set before the webhook saw it: by a LimitRange, say, or another webhook';
    found.push({ rule, field, predicted: after, cluster, because });
  });
  const told = new Set(found.map(({ rule, field }) => `${String(rule)} ${String(field)}`));
  (again?.result.changes ?? []).forEach(({ rule, before, after }, index) => {
    const field = fieldPath(again?.changePaths[index] ?? []);
    if (told.has(`${rule} ${field}`)) return;
    const because =
      'the answer would be hardened once more: it was added after the webhook, or by another version of it';
    found.push({ rule, field, predicted: after, cluster: before, because });
  });
  return found;
}

/** Rules that the webhook's annotation names and nobody predicted. */
function unpredicted({ object, predicted, answer }: Sent): LiveDifference[] {
  const { outcome, changes } = predicted.result;
  const known = new Set([
    ...changedRules(object),
    ...(outcome === 'patched' ? changes.map(({ rule }) => rule) : []),
  ]);
  return changedRules(answer.object ?? {})
    .filter((rule) => !known.has(rule))
    .map((rule) => ({ rule, field: null, predicted: 'unchanged', cluster: 'changed', because: null }));
}

function warningDifferences({ predicted: { result }, answer }: Sent): LiveDifference[] {
  const { warnings } = result;
  const [expected, told] = [warnings.map(uncounted), answer.warnings.map(uncounted)];
  const missing = warnings.filter((text) => !told.includes(uncounted(text)));
  const more = answer.warnings.filter((text) => isOurs(text) && !expected.includes(uncounted(text)));
  const one = (predicted: string | null, cluster: string | null): LiveDifference => ({
    ...{ rule: null, field: null, predicted, cluster, because: null },
  });
  return Array.from({ length: Math.max(missing.length, more.length) }, (_, index) =>
    one(missing[index] ?? null, more[index] ?? null),
  );
}

const OUR_WARNING = new RegExp(`^(?:kube-harden |kube-harden: |(?:${RULE_IDS.join('|')}) )`);

/** A field that was set to the same before the webhook saw it (by a LimitRange, say) is not counted. */
function uncounted(warning: string): string {
  return warning.replace(/\b\d+ fields?\b/, 'fields');
}

function isOurs(warning: string): boolean {
  return OUR_WARNING.test(warning);
}
