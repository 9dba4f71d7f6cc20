import type { KubernetesObject, UserInfo } from '../admission/types.js';
import type { ApiClient } from '../cluster/apiClient.js';
import { ApiError, isForbidden } from '../cluster/apiError.js';
import { isRecord } from '../hardening/locate.js';
import { resourcePath, workloadOf } from './liveTarget.js';

/** What the cluster answers to the creation of an object, which it does not store. */
export interface DryRunAnswer {
  /** As it would be stored; undefined where it is refused. */
  readonly object?: KubernetesObject;
  readonly warnings: readonly string[];
  /** Our webhook's refusal, in its own words. */
  readonly denial?: string;
  /** Why the cluster would not take it, for a reason that is not ours: another webhook, a quota, a right that is missing. */
  readonly refusal?: string;
  /** It was created under a name that the API server makes, since its own is taken. */
  readonly renamed: boolean;
}

/** A webhook of ours, as the manifests call them: `enforce.kube-harden.io`. */
export const OUR_WEBHOOK = /(?:^|\.)kube-harden\.io$/;

const CONFLICT = 409;
const UNAUTHORIZED = 401;

/** What the API server sets itself, or refuses of an object that is to be created. */
const OF_THE_SERVER = [
  'resourceVersion',
  'uid',
  'generation',
  'creationTimestamp',
  'managedFields',
  'selfLink',
  'deletionTimestamp',
];

/** The object as it is sent: without what a cluster wrote into it, in its namespace. */
export function creatable(object: KubernetesObject, namespace: string): KubernetesObject {
  const rest = Object.fromEntries(Object.entries(object).filter(([key]) => key !== 'status'));
  const metadata = Object.entries(object.metadata ?? {}).filter(([key]) => !OF_THE_SERVER.includes(key));
  return { ...rest, metadata: { ...Object.fromEntries(metadata), namespace } };
}

/** The same under a name that the API server makes: a CronJob's may have 52 characters, and five are added. */
export function renamed(object: KubernetesObject): KubernetesObject {
  const { name = 'object', ...metadata } = object.metadata ?? {};
  return { ...object, metadata: { ...metadata, generateName: `${String(name).slice(0, NAME_MAX)}-` } };
}

const NAME_MAX = 45;

/**
 * Asks the cluster to create an object by a server-side dry run: admission and validation run, nothing is stored. What
 * the API does not know of it is dropped without a word: that is not what is asked here.
 *
 * @param object of a workload's kind, as `creatable` gives it
 * @throws ApiError for credentials that are not taken, UnreachableError or the system's error
 */
export async function dryRunCreate(
  api: ApiClient,
  object: KubernetesObject,
  namespace: string,
): Promise<DryRunAnswer> {
  const first = await create(api, object, namespace);
  // Admission has run, but its answer is lost: the name is looked at afterwards.
  if (!first.isTaken) return first;
  return { ...(await create(api, renamed(object), namespace)), renamed: true };
}

async function create(
  api: ApiClient,
  object: KubernetesObject,
  namespace: string,
): Promise<DryRunAnswer & { readonly isTaken: boolean }> {
  const warnings: string[] = [];
  const workload = workloadOf(object.apiVersion, object.kind);
  if (!workload) throw new Error(`${String(object.kind)} is no workload of Kubernetes' own`);
  const query = { dryRun: 'All', fieldValidation: 'Ignore', fieldManager: 'kube-harden-preview' };
  try {
    const answer = await api.request('POST', resourcePath(workload, namespace), {
      body: object,
      query,
      onWarning: (text) => warnings.push(text),
    });
    const whole = { ...answer, apiVersion: object.apiVersion, kind: object.kind } as KubernetesObject;
    return { object: whole, warnings, renamed: false, isTaken: false };
  } catch (error) {
    if (!(error instanceof ApiError) || error.status === UNAUTHORIZED) throw error;
    const isTaken = error.status === CONFLICT && error.reason === 'AlreadyExists';
    return { ...refusalOf(error.message), warnings, renamed: false, isTaken };
  }
}

function refusalOf(message: string): Pick<DryRunAnswer, 'denial' | 'refusal'> {
  const [, webhook = '', said] =
    /^admission webhook "([^"]+)" denied the request: (.*)$/s.exec(message) ?? [];
  return said !== undefined && OUR_WEBHOOK.test(webhook) ? { denial: said } : { refusal: message };
}

/**
 * Who asks, by the API server's own word: what a pod says of its owner is believed of some.
 *
 * @returns somebody unknown where an old API server does not tell
 */
export async function whoAmI(api: ApiClient): Promise<UserInfo> {
  const unknown = { username: 'unknown', groups: [] };
  const version = 'authentication.k8s.io/v1';
  try {
    const { status } = await api.request('POST', `/apis/${version}/selfsubjectreviews`, {
      body: { apiVersion: version, kind: 'SelfSubjectReview' },
    });
    return isRecord(status) && isRecord(status['userInfo']) ? status['userInfo'] : unknown;
  } catch (error) {
    if (error instanceof ApiError && [403, 404].includes(error.status)) return unknown;
    throw error;
  }
}

/** Whether a webhook of ours is installed at all; undefined where that may not be read. */
export async function isInstalled(api: ApiClient): Promise<boolean | undefined> {
  const { listAll } = await import('../cluster/listAll.js');
  try {
    const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
    const configurations = await listAll(api, path);
    return configurations.some(({ webhooks }) =>
      (Array.isArray(webhooks) ? webhooks : []).some(
        (webhook: unknown) => isRecord(webhook) && OUR_WEBHOOK.test(String(webhook['name'])),
      ),
    );
  } catch (error) {
    if (isForbidden(error)) return undefined;
    throw error;
  }
}
