import type { WorkloadKind } from '../hardening/locate.js';
import { suggestion } from '../policy/didYouMean.js';

/** A kind of workload as the API serves it, under every name that kubectl takes for it. */
export interface WorkloadResource {
  readonly kind: WorkloadKind;
  readonly group: string;
  readonly version: string;
  /** In URLs: `deployments`. */
  readonly resource: string;
  /** `deployment`, `deployments`, `deploy`: in small letters. */
  readonly names: readonly string[];
}

/** A workload of a cluster, as it was called: `deploy/web`. */
export interface LiveTarget {
  readonly workload: WorkloadResource;
  readonly name: string;
}

/** Source of the short names: `kubectl api-resources`. */
export const WORKLOAD_RESOURCES: readonly WorkloadResource[] = [
  resource('Pod', '', ['po']),
  resource('ReplicationController', '', ['rc']),
  resource('PodTemplate', ''),
  resource('Deployment', 'apps', ['deploy']),
  resource('StatefulSet', 'apps', ['sts']),
  resource('DaemonSet', 'apps', ['ds']),
  resource('ReplicaSet', 'apps', ['rs']),
  resource('Job', 'batch'),
  resource('CronJob', 'batch', ['cj']),
];

function resource(kind: WorkloadKind, group: string, short: readonly string[] = []): WorkloadResource {
  const singular = kind.toLowerCase();
  const plural = `${singular}s`;
  return { kind, group, version: 'v1', resource: plural, names: [singular, plural, ...short] };
}

const OBJECT_NAME = /^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/;

/**
 * Reads `KIND/NAME` as kubectl does: `pod/web`, `deploy/web`, `deployments.apps/web`, `deployment.v1.apps/web`.
 *
 * @returns what is wrong with it, where it is none
 */
export function parseLiveTarget(text: string): LiveTarget | { readonly problem: string } {
  const slash = text.indexOf('/');
  const kind = slash < 0 ? text : text.slice(0, slash);
  const name = text.slice(slash + 1);
  const [word = '', ...suffix] = kind.toLowerCase().split('.');
  const workload = WORKLOAD_RESOURCES.find(
    ({ names, group, version }) =>
      names.includes(word) &&
      (suffix.length === 0 || [group, `${version}.${group}`].includes(suffix.join('.'))),
  );
  if (!workload) {
    const known = WORKLOAD_RESOURCES.flatMap(({ names }) => names);
    const kinds = WORKLOAD_RESOURCES.map(({ names }) => names.at(-1)).join(', ');
    return {
      problem: `"${kind}" is no kind of workload (${kinds})${suggestion(word, known)}`,
    };
  }
  if (slash < 0) return { problem: `of a cluster's ${word} the name is needed: ${word}/NAME` };
  if (!OBJECT_NAME.test(name)) return { problem: `"${name}" is not an object's name (a-z, 0-9, - and .)` };
  return { workload, name };
}

/** Whether a text is rather a workload's name than a file's: one `/`, and no dot in what follows. */
export function isLiveWord(text: string): boolean {
  return (
    /^[\w.-]*[\w-]+\/[^/.]+$/.test(text) ||
    WORKLOAD_RESOURCES.some(({ names }) => names.includes(text.toLowerCase()))
  );
}

/** The workload that a kind and its apiVersion name, as an owner reference does; undefined for another. */
export function workloadOf(apiVersion: unknown, kind: unknown): WorkloadResource | undefined {
  return WORKLOAD_RESOURCES.find((known) => known.kind === kind && apiVersionOf(known) === apiVersion);
}

/** `v1`, `apps/v1`. */
export function apiVersionOf({ group, version }: WorkloadResource): string {
  return group === '' ? version : `${group}/${version}`;
}

/** `/apis/apps/v1/namespaces/shop/deployments`. */
export function resourcePath(
  { group, version, resource: plural }: WorkloadResource,
  namespace: string,
): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}`;
}
