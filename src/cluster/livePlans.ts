import type { Plan } from '../hardening/plan.js';
import { issueText } from '../policy/policyError.js';
import type { PlanChoices } from '../policy/planChoices.js';
import type { Entry } from '../policy/planSource.js';
import { overByName, type Policy } from '../policy/policy.js';
import type { PreviewPlans } from '../preview/previewFile.js';
import type { ApiClient, ApiObject } from './apiClient.js';
import { ApiError, isForbidden } from './apiError.js';
import { ClusterPlans } from './clusterPlans.js';
import { installNamespace } from './installNamespace.js';
import { listAll, listPages } from './listAll.js';
import type { ObjectStore } from './reflector.js';
import { PolicyStore } from './policyStore.js';

export interface LivePlansOptions {
  /** Beneath those of the cluster: the built-in ones. */
  readonly base: readonly Policy[];
  /** Over those of the cluster, by name: `--policy-file`. */
  readonly own: readonly Policy[];
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

const POLICIES = '/apis/kube-harden.io/v1alpha1/hardeningpolicies';
const NOT_FOUND = 404;

/**
 * Plans of a cluster that is looked at once, from the command line: the policies are listed, and each namespace is read
 * when it is first asked for, unless `preload` has listed them all. Nothing is watched.
 */
export class LivePlans implements PreviewPlans {
  private readonly plans: ClusterPlans;
  private readonly told = new Set<string>();
  /** Kinds of limits that were listed for the whole cluster, and need not be asked for namespace by namespace. */
  private readonly listed = new Set<Limits>();

  private constructor(
    private readonly api: ApiClient,
    /** The namespace that kube-harden runs in, which is never touched. */
    readonly ownNamespace: string,
    clock: LivePlansOptions['clock'],
  ) {
    this.plans = new ClusterPlans({
      ownNamespace,
      clock,
      lookUp: (namespace) => this.lookUp(namespace),
      lookedUp: () => undefined,
    });
  }

  /**
   * Lists the policies. Where they may not be read that is told in `missing`, and plans are made of the others.
   *
   * @throws ApiError, UnreachableError or the system's error where the API server cannot be asked
   */
  static async open(api: ApiClient, options: LivePlansOptions): Promise<LivePlans> {
    const live = new LivePlans(api, await installNamespace(api), options.clock);
    const store = new PolicyStore({
      loaded: () => undefined,
      seen: () => undefined,
      changed: () => undefined,
    });
    for (const object of await live.readOr('hardeningpolicies of the cluster', () => listAll(api, POLICIES)))
      store.put(object);
    const own = new Set(options.own.map(({ name }) => name));
    const good = store.all.flatMap(({ policy }) => policy ?? []);
    const broken = store.all.filter(({ name, policy }) => policy === undefined && !own.has(name));
    live.plans.replacePolicies(
      overByName(options.base, good, options.own),
      new Map(broken.map(({ name, issues }) => [name, issues.map(issueText).join('; ')])),
    );
    return live;
  }

  /** The policies in force. */
  get policies(): readonly Policy[] {
    return this.plans.policies;
  }

  /** What could not be read, so that an answer may be another than the webhook's; one line each. */
  get missing(): readonly string[] {
    return [...this.told];
  }

  /**
   * Lists all namespaces with their limits at once.
   *
   * @returns the names of the namespaces; undefined where they may not be listed
   */
  async preload(): Promise<readonly string[] | undefined> {
    const { store } = this.plans;
    const names: string[] = [];
    try {
      for await (const { items } of listPages(this.api, '/api/v1/namespaces')) {
        for (const item of items) {
          store.namespaces.put(item);
          names.push(item.metadata?.name ?? '');
        }
      }
    } catch (error) {
      if (!isForbidden(error)) throw error;
      this.told.add(error.message);
      return undefined;
    }
    await Promise.all(
      LIMITS.map(async (resource) => {
        try {
          const all = await listAll(this.api, `/api/v1/${resource}`);
          for (const item of all) this.storeOf(resource).put(item);
          this.listed.add(resource);
        } catch (error) {
          if (!isForbidden(error)) throw error;
          // They may be readable in some namespaces; a namespace that is known is not looked up again, so ask now.
          for (const name of names) await this.readLimits(resource, name);
        }
      }),
    );
    return names;
  }

  planFor(namespace: string, entry: Entry = 'any'): Plan | Promise<Plan> {
    return this.plans.planFor(namespace, entry);
  }

  /** @throws PolicyUnknownError, PlanUnavailableError */
  planWith(given: PlanChoices): Promise<Plan> {
    return this.plans.planWith(given);
  }

  private async lookUp(namespace: string): Promise<void> {
    const object = await this.api.request('GET', `/api/v1/namespaces/${encodeURIComponent(namespace)}`);
    await Promise.all(LIMITS.map((resource) => this.readLimits(resource, namespace)));
    this.plans.store.namespaces.put(object);
  }

  private async readLimits(resource: Limits, namespace: string): Promise<void> {
    if (this.listed.has(resource)) return;
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/${resource}`;
    for (const item of await this.readOr(`${resource} of namespace ${namespace}`, () =>
      listAll(this.api, path),
    ))
      this.storeOf(resource).put(item);
  }

  private storeOf(resource: Limits): ObjectStore {
    const { store } = this.plans;
    return resource === 'limitranges' ? store.limitRanges : store.resourceQuotas;
  }

  /** A resource that is not served (the CRD is not installed) has no objects; one that is forbidden is told. */
  private async readOr(what: string, read: () => Promise<ApiObject[]>): Promise<ApiObject[]> {
    try {
      return await read();
    } catch (error) {
      if (error instanceof ApiError && error.status === NOT_FOUND) return [];
      if (!isForbidden(error)) throw error;
      this.told.add(`${what}: ${error.message}`);
      return [];
    }
  }
}

type Limits = 'limitranges' | 'resourcequotas';
const LIMITS: readonly Limits[] = ['limitranges', 'resourcequotas'];
