import { describeValue } from '../hardening/validatePod.js';
import type { Plan } from '../hardening/plan.js';
import type { Violation } from '../hardening/rule.js';
import { namespaceOf, objectName, optOutCommand, printable, shorten } from './text.js';
import type { AdmissionRequest } from './types.js';

/** The one message of a refusal: every violation of a Deny rule, and how each can be lifted. */
export function denialMessage(
  violations: readonly Violation[],
  request: AdmissionRequest,
  plan: Plan,
): string {
  const denied = violations.filter((violation) => violation.denied);
  const lines = denied.map((violation, index) => `(${index + 1}) ${describe(violation, request, plan)}`);
  const count = denied.length === 1 ? '1 violation' : `${denied.length} violations`;
  return `kube-harden refuses ${objectName(request)}: ${count} of policy ${plan.policy}. ${lines.join(' ')}`;
}

function describe(violation: Violation, request: AdmissionRequest, plan: Plan): string {
  const { rule, field, value, container, detail } = violation;
  const on = container ? ` on container "${printable(container.name)}"` : '';
  const found = value === undefined ? 'is not set' : `is ${valueText(value)}`;
  const because = detail === undefined ? '' : ` (${detail})`;
  return printable(`${rule}${on}: ${field} ${found}${because}; lift it: ${remedy(rule, request, plan)}.`);
}

function remedy(rule: Violation['rule'], request: AdmissionRequest, plan: Plan): string {
  const exception = `an exception in policy ${plan.policy}`;
  const rulePlan = plan.byId[rule];
  if (rulePlan?.optOut !== 'Allowed') return `mend the field, or ask for ${exception}`;
  return `mend the field, ${optOutCommand(rulePlan, namespaceOf(request))}, or ${exception}`;
}

/** All capabilities that there are, and more. */
const LIST_MAX = 800;

/** A value as a person reads it; lists of words and flat objects in full, deeper things by what they are. */
export function valueText(value: unknown): string {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) {
    return shorten(`[${value.join(', ')}]`, LIST_MAX);
  }
  if (isFlat(value)) {
    const fields = Object.entries(value).map(([key, field]) => `${key}: ${String(field)}`);
    return shorten(`{${fields.join(', ')}}`, LIST_MAX);
  }
  return describeValue(value);
}

/** Such as a seccompProfile: what is wrong with it is in its fields. */
function isFlat(value: unknown): value is Readonly<Record<string, string | number | boolean>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const fields: unknown[] = Object.values(value);
  return fields.length > 0 && fields.every((field) => ['string', 'number', 'boolean'].includes(typeof field));
}
