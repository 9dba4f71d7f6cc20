import type { ApiClient } from '../cluster/apiClient.js';
import { minorOf } from '../cluster/apiServerVersion.js';
import { listAll, listPages } from '../cluster/listAll.js';
import type { LivePlans } from '../cluster/livePlans.js';
import { NEWEST_MINOR, podSecurityVersion } from '../podSecurity/version.js';
import { PlanBook } from '../policy/planBook.js';
import { sum, type Amounts } from './amounts.js';
import { isForbidden } from '../cluster/apiError.js';
import { NodeCapacity } from './limits.js';
import { NamespaceNotFoundError } from './namespaceNotFoundError.js';
import { NamespacePlans } from './namespacePlans.js';
import { namespaceReport } from './namespaceReport.js';
import { Quotas } from './quotas.js';
import { Readings, type Progress } from './readings.js';
import type { NamespaceReport, ScanReport } from './report.js';
import { addedOf, Workloads, type Workload } from './workloads.js';

export interface ScanOptions {
  readonly api: ApiClient;
  /** The API server's URL, for the report. */
  readonly server: string;
  readonly plans: LivePlans;
  /** Undefined for all of the cluster. */
  readonly namespaces?: readonly string[] | undefined;
  /** What is looked into where all were asked for and their names may not be listed: the context's. */
  readonly contextNamespace: string;
  readonly selects?: ((labels: Readonly<Record<string, string>> | undefined) => boolean) | undefined;
  /** Applies whatever the namespaces say; it has to be there. */
  readonly policy?: string | undefined;
  /** Results keep patch and hardened pod, which takes as much memory as the objects themselves. */
  readonly whole: boolean;
  readonly progress?: Progress | undefined;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/**
 * What every workload of a cluster would get from `enforce`. It reads and never writes; lists are read page by page, and
 * of an object nothing is kept but the answer.
 *
 * @throws NamespaceNotFoundError; ApiError, UnreachableError or the system's error where the API server cannot be asked
 */
export async function scanCluster(options: ScanOptions): Promise<ScanReport> {
  const { api, plans, clock, policy, whole, selects = () => true, progress = () => undefined } = options;
  const missing = new Set<string>();
  const tell = (line: string): void => void missing.add(line);
  const book = new PlanBook(plans.policies, clock, plans.ownNamespace);
  const namespacePlans = new NamespacePlans({ plans, policy, book });
  const quotas = new Quotas(api);
  const everyNamespace = options.namespaces ?? (await namesOf(options, quotas, tell));
  const neverTouched = everyNamespace.filter((name) => book.isProtected(name));
  const touched = everyNamespace.filter((name) => !book.isProtected(name));
  for (const name of options.namespaces ?? [])
    if ((await namespacePlans.of(name)) === 'not found') throw new NamespaceNotFoundError(name);

  const podSecurityMinor = await readMinor(api, tell);
  const workloads = new Workloads({ selects, podSecurityMinor, whole, missing: tell });
  const readings = new Readings({
    api,
    namespaces: options.namespaces && touched,
    everyNamespace: touched,
    progress,
  });
  await readings.readAll(async (kind, object) => {
    workloads.count(kind, object);
    const namespace = object.metadata?.namespace ?? '';
    if (book.isProtected(namespace)) return;
    const plan = await namespacePlans.of(namespace);
    if (typeof plan === 'object') workloads.take(kind, object, plan);
  });

  const capacity = options.namespaces === undefined ? await nodeCapacity(api, tell) : undefined;
  // Of pods that were not all read nobody knows what is in use.
  const nodes = readings.isOfAll('pods') ? capacity : undefined;
  const byNamespace = groupByNamespace(workloads.all);
  const namespaces: NamespaceReport[] = [];
  let added: Amounts = {};
  for (const name of [...touched].sort()) {
    const refused = readings.refusedIn(name);
    if (readings.isClosed(name)) continue;
    const plan = await namespacePlans.of(name);
    const problem = namespacePlans.problemOf(name);
    if (problem !== undefined) tell(problem);
    if (typeof plan !== 'object') continue;
    const own = byNamespace.get(name) ?? [];
    const addedHere = sum(...own.map(addedOf));
    added = sum(added, addedHere);
    const tooMuch = nodes?.exceeded(workloads.requested, addedHere) ?? [];
    namespaces.push(
      namespaceReport(plan, {
        workloads: own,
        added: addedHere,
        quotas: await quotas.of(name),
        tooMuch,
        refused,
      }),
    );
  }
  for (const line of [...readings.missing(), ...plans.missing]) tell(line);
  return {
    server: options.server,
    podSecurityVersion: podSecurityVersion(podSecurityMinor),
    namespaces,
    neverTouched,
    leftOut: { finishedPods: workloads.finishedPods, mirrorPods: workloads.mirrorPods },
    nodes: nodes?.report(workloads.requested, added) ?? null,
    missing: [...missing],
  };
}

function groupByNamespace(workloads: readonly Workload[]): ReadonlyMap<string, readonly Workload[]> {
  const groups = new Map<string, Workload[]>();
  for (const workload of workloads) {
    const before = groups.get(workload.namespace);
    if (before) before.push(workload);
    else groups.set(workload.namespace, [workload]);
  }
  return groups;
}

/** Where the names may not be listed it is told, and the context's namespace is all that is known. */
async function namesOf(
  { api, plans, contextNamespace }: ScanOptions,
  quotas: Quotas,
  tell: (line: string) => void,
): Promise<readonly string[]> {
  // Who may not list the quotas of the cluster is asked for limits only where there is something to judge.
  const names = (await quotas.preload()) ? await plans.preload() : undefined;
  if (names !== undefined) return names;
  try {
    const all = await listAll(api, '/api/v1/namespaces');
    return all.map(({ metadata }) => metadata?.name ?? '');
  } catch (error) {
    if (!isForbidden(error)) throw error;
    tell(
      `all namespaces but ${contextNamespace}: they may not be listed (${error.message}); name those that you may read: -n NAME,NAME`,
    );
    return [contextNamespace];
  }
}

async function readMinor(api: ApiClient, tell: (line: string) => void): Promise<number> {
  try {
    const minor = minorOf(await api.request('GET', '/version'));
    if (minor !== undefined) return minor;
  } catch (error) {
    if (!isForbidden(error)) throw error;
    tell(`the API server's version: ${error.message}: judged by the newest Pod Security Standards`);
  }
  return NEWEST_MINOR;
}

/** @returns undefined where they may not be read, which is told */
async function nodeCapacity(api: ApiClient, tell: (line: string) => void): Promise<NodeCapacity | undefined> {
  const capacity = new NodeCapacity();
  try {
    for await (const { items } of listPages(api, '/api/v1/nodes'))
      for (const node of items) capacity.add(node);
  } catch (error) {
    if (!isForbidden(error)) throw error;
    tell(`the nodes' allocatable resources: ${error.message}`);
    return undefined;
  }
  return capacity;
}
