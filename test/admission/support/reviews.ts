import { Buffer } from 'node:buffer';
import fastJsonPatch, { type Operation } from 'fast-json-patch';
import { createAdmissionHandler, type AdmissionAnswer } from '../../../src/admission/handler.js';
import type {
  AdmissionRequest,
  KubernetesObject,
  ToldDecision,
  ToldRequest,
} from '../../../src/admission/types.js';
import type { Plan } from '../../../src/hardening/plan.js';
import type { PlanSource } from '../../../src/policy/planSource.js';
import { StandalonePlans } from '../../../src/policy/standalonePlans.js';
import { namespace, policyFrom, withBuiltin } from '../../support/policies.js';

/** The plan of a namespace with these labels, under a policy of this spec. */
export function planOf(spec = '', labels: Record<string, string> = { mode: 'enforce' }, name = 'shop'): Plan {
  return plansOf(spec, labels, name).planFor(name);
}

export function plansOf(
  spec = '',
  labels: Record<string, string> = { mode: 'enforce' },
  name = 'shop',
): StandalonePlans {
  return new StandalonePlans({
    policies: withBuiltin(policyFrom(spec)),
    namespaces: new Map([[name, namespace(name, labels)]]),
    clock: () => Date.parse('2027-01-01T00:00:00Z'),
  });
}

/** A small, careless pod: one container, nothing set. */
export function pod(spec: object = {}, metadata: object = {}): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'shop', ...metadata },
    spec: { containers: [{ name: 'web', image: 'registry.example/web:1' }], ...spec },
  };
}

export function workload(
  kind: string,
  template: object = podTemplate(),
  metadata: object = {},
): KubernetesObject {
  const apiVersion =
    kind === 'CronJob' || kind === 'Job'
      ? 'batch/v1'
      : kind === 'ReplicationController' || kind === 'PodTemplate'
        ? 'v1'
        : 'apps/v1';
  const head = { apiVersion, kind, metadata: { name: 'web', namespace: 'shop', ...metadata } };
  if (kind === 'PodTemplate') return { ...head, template };
  if (kind === 'CronJob')
    return { ...head, spec: { schedule: '@daily', jobTemplate: { spec: { template } } } };
  return { ...head, spec: { template } };
}

export function podTemplate(spec: object = {}): object {
  return {
    metadata: { labels: { app: 'web' } },
    spec: { containers: [{ name: 'web', image: 'web:1' }], ...spec },
  };
}

/** The request that an API server makes of an object. */
export function requestOf(object: KubernetesObject, given: Partial<AdmissionRequest> = {}): AdmissionRequest {
  const [version = '', group = ''] = String(object.apiVersion).split('/').reverse();
  const { metadata } = object;
  return {
    uid: 'e911857d-c318-11e8-bbad-025000000001',
    kind: { group, version, kind: String(object.kind) },
    operation: 'CREATE',
    namespace: metadata?.namespace ?? 'shop',
    name: metadata?.name ?? '',
    object,
    oldObject: null,
    userInfo: { username: 'jane', groups: ['system:authenticated'] },
    ...given,
  };
}

export function reviewOf(request: unknown): string {
  return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
}

export interface Told {
  readonly decisions: ToldDecision[];
  readonly requests: ToldRequest[];
  readonly failures: { readonly error: unknown; readonly uid: string | undefined }[];
}

/** The handler in front of these plans, and what its observer is told. */
export function handlerFor(plans: PlanSource): Told & {
  readonly answer: (body: string | Buffer) => AdmissionAnswer | Promise<AdmissionAnswer>;
} {
  const told: Told = { decisions: [], requests: [], failures: [] };
  const handler = createAdmissionHandler({
    plans,
    observer: {
      decided: (decision, request) => {
        told.decisions.push(decision);
        told.requests.push(request);
      },
      failed: (error, uid) => void told.failures.push({ error, uid }),
    },
  });
  const sent = ({ sent: tell, ...answer }: AdmissionAnswer): AdmissionAnswer => {
    tell?.();
    return answer;
  };
  return {
    ...told,
    answer: (body) => {
      const answer = handler(Buffer.from(body as string), 'any');
      return answer instanceof Promise ? answer.then(sent) : sent(answer);
    },
  };
}

export interface ReviewResponse {
  readonly uid: string;
  readonly allowed: boolean;
  readonly status?: { readonly code: number; readonly reason: string; readonly message: string };
  readonly patchType?: string;
  readonly patch?: string;
  readonly warnings?: readonly string[];
  readonly auditAnnotations?: Readonly<Record<string, string>>;
}

/** The response in an answer's body, its patch decoded. */
export function responseOf({ body }: { readonly body: string }): ReviewResponse & {
  readonly operations: readonly Operation[];
} {
  const review = JSON.parse(body) as { apiVersion: string; kind: string; response: ReviewResponse };
  const { patch } = review.response;
  const operations =
    patch === undefined ? [] : (JSON.parse(Buffer.from(patch, 'base64').toString()) as Operation[]);
  return { ...review.response, operations };
}

/** A copy of the object with the patch, applied as strictly as the library can. */
export function patched(object: KubernetesObject, operations: readonly Operation[]): KubernetesObject {
  return fastJsonPatch.applyPatch(object, [...operations], true, false).newDocument;
}
