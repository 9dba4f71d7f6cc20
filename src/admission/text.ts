import type { ContainerRef } from '../hardening/rule.js';
import type { RulePlan } from '../hardening/plan.js';
import type { AdmissionRequest } from './types.js';

/** What is not printable ASCII becomes `?`: a control character makes the API server's client drop the whole header. */
export function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
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

/** How to turn a rule off in this namespace, or who forbids it. */
export function optOut(rulePlan: RulePlan | undefined, namespace: string, policy: string): string {
  if (!rulePlan) return '';
  return rulePlan.optOut === 'Forbidden'
    ? `no opt-out: policy ${policy} forbids it`
    : `opt out: kubectl label ns ${namespace} ${optOutLabel(rulePlan.rule.id)}`;
}

/** `pod/web`: as kubectl takes it. */
export function objectName(request: AdmissionRequest): string {
  const { metadata } = request.object ?? {};
  const name = request.name || metadata?.name || metadata?.generateName || '';
  return printable(`${request.kind.kind.toLowerCase()}/${name}`);
}

export function namespaceOf(request: AdmissionRequest): string {
  const own: unknown = request.object?.metadata?.namespace;
  return request.namespace || (typeof own === 'string' && own) || 'default';
}
