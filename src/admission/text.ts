import type { ContainerRef } from '../hardening/rule.js';
import type { RulePlan } from '../hardening/plan.js';
import type { AdmissionRequest, ToldRequest } from './types.js';

const NOT_PRINTABLE = /[^\x20-\x7e]/;
const EACH_NOT_PRINTABLE = /[^\x20-\x7e]/g;

/** What is not printable ASCII becomes `?`: a control character makes the API server's client drop the whole header. */
export function printable(text: string): string {
  return NOT_PRINTABLE.test(text) ? text.replace(EACH_NOT_PRINTABLE, '?') : text;
}

export function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, Math.max(0, length - 3))}...`;
}

/** `on container "web"`, `on 3 containers`, `on the pod`. */
export function where(containers: readonly (ContainerRef | undefined)[], nameLength = 63): string {
  const names = [...new Set(containers.map((container) => container?.name))];
  const [first] = names;
  if (names.length > 1 && !names.includes(undefined)) return `on ${names.length} containers`;
  if (names.length !== 1 || first === undefined) return 'on the pod';
  return `on container "${shorten(printable(first), nameLength)}"`;
}

/** The label that turns a rule off in a namespace, whole: it is there to be typed. */
export function optOutLabel(rule: string): string {
  return `kube-harden.io/${rule}=disabled`;
}

/** The command that turns a rule off in this namespace. */
export function optOutCommand({ rule, hasLabel }: RulePlan, namespace: string): string {
  // kubectl refuses to change a label that is there (`warn`), unless it is told to.
  const overwrite = hasLabel === true ? ' --overwrite' : '';
  return `kubectl label ns ${namespace} ${optOutLabel(rule.id)}${overwrite}`;
}

/** How to turn a rule off in this namespace, or who forbids it. */
export function optOut(rulePlan: RulePlan | undefined, namespace: string, policy: string): string {
  if (!rulePlan) return '';
  return rulePlan.optOut === 'Forbidden'
    ? `no opt-out: policy ${policy} forbids it`
    : `opt out: ${optOutCommand(rulePlan, namespace)}`;
}

/** `pod/web`: as kubectl takes it. */
export function objectName(request: AdmissionRequest): string {
  const { metadata } = request.object ?? {};
  const name = request.name || metadata?.name || metadata?.generateName || '';
  return printable(`${request.kind.kind.toLowerCase()}/${name}`);
}

export function namespaceOf(request: ToldRequest): string {
  const own: unknown = request.object?.metadata?.namespace;
  return request.namespace || (typeof own === 'string' && own) || 'default';
}
