import type { Operation } from 'fast-json-patch';
import { harden } from '../hardening/harden.js';
import { toPatch } from '../hardening/patch.js';
import type { Hardening } from '../hardening/podDraft.js';
import type { Plan } from '../hardening/plan.js';
import { RULE_IDS, ruleIds, type Change } from '../hardening/rule.js';
import { denialMessage } from './denial.js';
import { scopeOf, writtenInput, type Subject } from './scope.js';
import type { AdmissionRequest, Decision, KubernetesObject, Outcome } from './types.js';
import { warningsFor } from './warnings.js';

export const CHANGED_ANNOTATION = 'kube-harden.io/changed';

const CHANGED_PATH = ['metadata', 'annotations', CHANGED_ANNOTATION];
const NOTHING: Hardening = { changes: [], skips: [], violations: [] };

/**
 * The decision on one request: what the webhook answers, and what the preview shows. Pure and synchronous.
 *
 * @throws InvalidObjectError where a field that hardening reads has the wrong type
 */
export function decide(request: AdmissionRequest, plan: Plan): Decision {
  if (plan.mode === 'disabled') return ignored(plan.because ?? 'disabled', plan);
  const subject = scopeOf(request);
  if ('because' in subject) return ignored(subject.because, plan);
  const { isTemplate } = subject.located;
  if (isTemplate && plan.templates === 'Ignore') return ignored('templates: Ignore', plan);

  const isWritten = !isTemplate || plan.templates === 'Mutate';
  const hardening = harden(isWritten ? writtenInput(subject) : subject.input, plan);
  const mayWrite = plan.mode === 'enforce' && isWritten;
  const isDenied = mayWrite && hardening.violations.some(({ denied }) => denied);
  const patch = mayWrite && !isDenied ? patchFor(subject, hardening.changes) : [];
  const outcome: Outcome = isDenied
    ? 'denied'
    : patch.length > 0
      ? 'patched'
      : hardening.changes.length > 0
        ? 'reported'
        : 'unchanged';
  // Field by field: copying whole objects here costs more than the patch does, on a processor that does something else
  // between two requests.
  const { changes, skips, violations } = hardening;
  const told = { outcome, plan, changes, violations };
  const warnings = isDenied ? plan.notices : warningsFor(told, request, subject);
  const decision: Decision = { outcome, plan, changes, skips, violations, patch, warnings };
  return isDenied ? { ...decision, message: denialMessage(violations, request, plan) } : decision;
}

function ignored(because: string, plan: Plan): Decision {
  const warnings = plan.mode === 'disabled' ? [] : plan.notices;
  return { ...NOTHING, outcome: 'ignored', because, plan, patch: [], warnings };
}

/** The operations for what has changed, and the annotation that says so on the object itself. */
export function patchFor(
  subject: Pick<Subject, 'object' | 'located' | 'input'>,
  changes: readonly Change[],
): Operation[] {
  if (changes.length === 0) return [];
  const { object, located, input } = subject;
  // The API server drops annotations on pods/ephemeralcontainers (measured).
  if (input.scope === 'ephemeralContainers') return toPatch(object, located.base, changes);
  const after = changedAnnotation(object, changes);
  const annotation = fits(object, after) ? [{ path: CHANGED_PATH, after }] : [];
  // On a Pod both are about the same metadata, which a rule may write to as well.
  if (!located.isTemplate) return toPatch(object, [], [...changes, ...annotation]);
  return toPatch(object, located.base, changes).concat(toPatch(object, [], annotation));
}

/** What all annotations of an object may have together, keys included (apimachinery, ValidateAnnotationsSize). */
const ANNOTATIONS_MAX_BYTES = 256 * 1024;

/** With more the API server refuses the object, which its author did not bring about. */
function fits(object: KubernetesObject, after: string): boolean {
  const annotations = object.metadata?.annotations ?? {};
  let length = CHANGED_ANNOTATION.length + after.length;
  for (const key of Object.keys(annotations)) {
    if (key !== CHANGED_ANNOTATION) length += key.length + (annotations[key]?.length ?? 0);
  }
  // A UTF-16 unit is one to three bytes of UTF-8: mostly there is nothing to count.
  if (length > ANNOTATIONS_MAX_BYTES) return false;
  if (length * 3 <= ANNOTATIONS_MAX_BYTES) return true;
  const texts = Object.entries(annotations).flatMap(([key, value]) =>
    key === CHANGED_ANNOTATION ? [] : [key, value],
  );
  return Buffer.byteLength([...texts, CHANGED_ANNOTATION, after].join('')) <= ANNOTATIONS_MAX_BYTES;
}

/** Rule ids in catalogue order. It only grows, and informs: anyone can forge it, so it never steers a decision. */
function changedAnnotation(object: KubernetesObject, changes: readonly Change[]): string {
  const annotations = object.metadata?.annotations ?? {};
  const before = Object.hasOwn(annotations, CHANGED_ANNOTATION) ? annotations[CHANGED_ANNOTATION] : undefined;
  const changed: readonly string[] = ruleIds(changes);
  if (!before) return changed.join(', ');
  const words = before.split(',').map((word) => word.trim());
  const known: readonly string[] = RULE_IDS;
  const foreign = words.filter((word) => word !== '' && !known.includes(word));
  return [...known.filter((id) => changed.includes(id) || words.includes(id)), ...foreign].join(', ');
}
