import type { KubernetesObject } from '../admission/types.js';
import type { ApiClient, ApiObject } from '../cluster/apiClient.js';
import { ApiError, isForbidden } from '../cluster/apiError.js';
import { listAll, listPages } from '../cluster/listAll.js';
import { isRecord } from '../hardening/locate.js';
import { controllerOf } from '../hardening/podSpec.js';
import { CommandError } from './commandError.js';
import { parseLiveTarget, resourcePath, WORKLOAD_RESOURCES, type LiveTarget } from './liveTarget.js';

/** What is looked into. */
export interface LookedInto {
  /** One page after the other, each pod with its type. */
  readonly pods: AsyncIterable<readonly KubernetesObject[]>;
  /** Uids of the objects whose pods these are; undefined for all objects of the namespaces. */
  readonly owners: ReadonlySet<string> | undefined;
}

const NO_TEMPLATES = WORKLOAD_RESOURCES.filter(({ kind }) => kind !== 'PodTemplate');

/**
 * Reads what was named: `web-0` and `pod/web-0` are pods.
 *
 * @throws CommandError where it is no pod nor workload
 */
export function parseDoctorTarget(text: string): LiveTarget {
  const target = parseLiveTarget(text.includes('/') ? text : `pod/${text}`);
  if ('problem' in target) throw new CommandError(`${text}: ${target.problem}`);
  if (!NO_TEMPLATES.includes(target.workload))
    throw new CommandError(`${text}: no pod comes from a PodTemplate by itself`);
  return target;
}

/**
 * The pods of a workload, by who owns them and not by their labels alone.
 *
 * @throws CommandError where there is no such object; ApiError, UnreachableError or the system's error
 */
export async function lookIntoNamed(
  api: ApiClient,
  { workload, name }: LiveTarget,
  namespace: string,
): Promise<LookedInto> {
  const path = `${resourcePath(workload, namespace)}/${encodeURIComponent(name)}`;
  let object: ApiObject;
  try {
    object = await api.request('GET', path);
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
    const kind = workload.kind.toLowerCase();
    const advice = kind === 'pod' ? '; a workload is named with its kind, as deploy/web' : '';
    throw new CommandError(`there is no ${kind} "${name}" in namespace ${namespace}${advice}`, 2, {
      cause: error,
    });
  }
  if (workload.kind === 'Pod') return { pods: pagesOf([[object]]), owners: new Set([uidOf(object)]) };
  const owners = new Set([uidOf(object)]);
  const selector = selectorOf(object['spec']);
  const between = { Deployment: '/apis/apps/v1', CronJob: '/apis/batch/v1' } as const;
  if (workload.kind === 'Deployment' || workload.kind === 'CronJob') {
    const resource = workload.kind === 'Deployment' ? 'replicasets' : 'jobs';
    const list = `${between[workload.kind]}/namespaces/${encodeURIComponent(namespace)}/${resource}`;
    for (const each of await listAll(api, list, selector))
      if (owners.has(controllerOf(each.metadata)?.uid ?? '')) owners.add(uidOf(each));
  }
  const pods = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
  return { pods: ownedPages(listPages(api, pods, selector), owners), owners };
}

/**
 * The pods of namespaces.
 *
 * @param names undefined for all
 * @param refused told of a namespace whose pods may not be listed
 */
export function lookIntoNamespaces(
  api: ApiClient,
  names: readonly string[] | undefined,
  refused: (namespace: string | undefined, error: ApiError) => void,
  seen: (soFar: number, remaining: number | undefined) => void,
): LookedInto {
  async function* pods(): AsyncGenerator<readonly KubernetesObject[]> {
    let soFar = 0;
    for (const name of names ?? [undefined]) {
      const path =
        name === undefined ? '/api/v1/pods' : `/api/v1/namespaces/${encodeURIComponent(name)}/pods`;
      try {
        for await (const { items, remaining } of listPages(api, path)) {
          soFar += items.length;
          seen(soFar, remaining);
          yield items.map(typed);
        }
      } catch (error) {
        if (!isForbidden(error)) throw error;
        refused(name, error);
      }
    }
  }
  return { pods: pods(), owners: undefined };
}

async function* ownedPages(
  pages: AsyncIterable<{ readonly items: readonly ApiObject[] }>,
  owners: ReadonlySet<string>,
): AsyncGenerator<readonly KubernetesObject[]> {
  for await (const { items } of pages)
    yield items.filter((pod) => owners.has(controllerOf(pod.metadata)?.uid ?? '')).map(typed);
}

async function* pagesOf(
  pages: readonly (readonly ApiObject[])[],
): AsyncGenerator<readonly KubernetesObject[]> {
  for (const page of pages) yield await Promise.resolve(page.map(typed));
}

/** The items of a list leave their type out. */
function typed(pod: ApiObject): KubernetesObject {
  return { ...pod, apiVersion: 'v1', kind: 'Pod' };
}

function uidOf({ metadata }: ApiObject): string {
  return typeof metadata?.['uid'] === 'string' ? metadata['uid'] : '';
}

/** As the API takes it, so that the pods of others are not sent; none where the object selects by nothing (a CronJob). */
function selectorOf(spec: unknown): Readonly<Record<string, string>> {
  const selector = isRecord(spec) && isRecord(spec['selector']) ? spec['selector'] : {};
  const isOfLabels = !('matchLabels' in selector) && !('matchExpressions' in selector);
  // A ReplicationController's selector is the labels themselves.
  const labels = isOfLabels ? selector : isRecord(selector['matchLabels']) ? selector['matchLabels'] : {};
  const expressions = Array.isArray(selector['matchExpressions']) ? selector['matchExpressions'] : [];
  const parts = [
    ...Object.entries(labels).map(([key, value]) => `${key}=${String(value)}`),
    ...expressions.filter(isRecord).map(expressionText),
  ];
  return parts.length === 0 ? {} : { labelSelector: parts.join(',') };
}

function expressionText({ key, operator, values }: Readonly<Record<string, unknown>>): string {
  const list = Array.isArray(values) ? values.join(',') : '';
  switch (operator) {
    case 'In':
      return `${String(key)} in (${list})`;
    case 'NotIn':
      return `${String(key)} notin (${list})`;
    case 'DoesNotExist':
      return `!${String(key)}`;
    default:
      return String(key);
  }
}
