import { isRecord } from '../hardening/locate.js';
import { issueText } from '../policy/policyError.js';
import { overByName, type Policy } from '../policy/policy.js';
import type { HealthCheck } from '../server/health.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { ApiObject } from './apiClient.js';
import { ClusterPlans } from './clusterPlans.js';
import type { Connection } from './connection.js';
import { listItems } from './listItems.js';
import { PolicyStatusWriter } from './policyStatus.js';
import { PolicyStore, type ClusterPolicy } from './policyStore.js';
import { Reflector, type ObjectStore, type ReflectorTimings } from './reflector.js';
import { UnreachableError } from './unreachableError.js';

/** A pod waits for it: well below the webhook configuration's timeout, so that an error still arrives. */
const LOOKUP_TIMEOUT_MS = 2_000;

export interface ClusterSourceOptions {
  readonly connection: Pick<Connection, 'api' | 'stream'>;
  readonly ownNamespace: string;
  /** This replica's name, for events. */
  readonly identity: string;
  /** The policies under those of the cluster: built in, and of files. */
  readonly basePolicies: () => readonly Policy[];
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly clock: () => number;
  readonly timings?: Partial<ReflectorTimings>;
}

/** What is watched of a cluster, and the plans that come of it. */
export class ClusterSource {
  readonly plans: ClusterPlans;
  readonly checks: readonly HealthCheck[];
  private readonly policies: PolicyStore;
  private readonly statuses: PolicyStatusWriter;
  private readonly reflectors: readonly Reflector[];
  private readonly neededFirst: readonly Reflector[];

  constructor(private readonly options: ClusterSourceOptions) {
    const { connection, metrics, ownNamespace, clock } = options;
    this.plans = new ClusterPlans({
      ownNamespace,
      clock,
      lookUp: (namespace, limits) => this.lookUp(namespace, limits),
      lookedUp: (reason, ok) => metrics.lookedUp(reason, ok),
    });
    this.policies = new PolicyStore({
      loaded: (policy) => this.tell(policy),
      seen: (policy) => this.statuses.seen(policy),
      changed: () => this.refresh(),
    });
    this.statuses = new PolicyStatusWriter({ ...options, api: connection.api, policies: this.policies });
    const { store } = this.plans;
    this.neededFirst = [
      this.reflector('limitranges', '/api/v1/limitranges', store.limitRanges),
      this.reflector('resourcequotas', '/api/v1/resourcequotas', store.resourceQuotas),
      this.reflector('hardeningpolicies', '/apis/kube-harden.io/v1alpha1/hardeningpolicies', this.policies),
    ];
    this.reflectors = [
      this.reflector('namespaces', '/api/v1/namespaces', store.namespaces),
      ...this.neededFirst,
    ];
    this.checks = this.reflectors.map((reflector) => ({
      name: `watch-${reflector.resource}`,
      check: () => watchCheck(reflector),
    }));
  }

  /** Begins to watch; returns at once. */
  start(): void {
    for (const reflector of this.reflectors) reflector.start();
    void Promise.all(this.neededFirst.map((reflector) => reflector.untilSynced())).then(() => this.refresh());
  }

  /** As the leader: writes the policies' status until `signal` is aborted. */
  lead(signal: AbortSignal): void {
    this.statuses.lead(signal);
  }

  close(): void {
    for (const reflector of this.reflectors) reflector.stop();
  }

  /**
   * Puts in force what there is now. Nothing before all policies and limits are known: a policy that is missing would
   * count as unknown, a LimitRange that is missing as none. A namespace that is missing is looked up.
   */
  refresh(): void {
    if (!this.neededFirst.every(({ isSynced }) => isSynced)) return;
    const { basePolicies, metrics, clock } = this.options;
    const all = this.policies.all;
    const good = all.flatMap(({ policy }) => policy ?? []);
    const inForce = overByName(basePolicies(), good);
    const broken = all.filter(({ policy }) => policy === undefined);
    this.plans.replacePolicies(
      inForce,
      new Map(broken.map(({ name, issues }) => [name, issues.map(issueText).join('; ')])),
    );
    metrics.policiesLoaded(inForce, clock());
    metrics.policiesRejected(all.flatMap(({ name, issues }) => (issues.length > 0 ? [name] : [])));
  }

  private reflector(resource: string, path: string, store: ObjectStore): Reflector {
    const { connection, metrics, logger, timings = {} } = this.options;
    const mayBeMissing = resource === 'hardeningpolicies';
    return new Reflector({ ...connection, resource, path, store, metrics, logger, mayBeMissing, timings });
  }

  private async lookUp(namespace: string, limits: boolean): Promise<void> {
    const { api } = this.options.connection;
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}`;
    const ask = (below: string): Promise<ApiObject> =>
      api.request('GET', path + below, { timeoutMs: LOOKUP_TIMEOUT_MS });
    const [object, ranges, quotas] = await Promise.all([
      ask(''),
      limits ? ask('/limitranges') : undefined,
      limits ? ask('/resourcequotas') : undefined,
    ]);
    checkNamespace(object, namespace);
    const { store } = this.plans;
    for (const item of ranges ? listItems(ranges) : []) store.limitRanges.put(item);
    for (const item of quotas ? listItems(quotas) : []) store.resourceQuotas.put(item);
    store.namespaces.put(object);
  }

  private tell({ name, generation, policy, issues }: ClusterPolicy): void {
    const { logger } = this.options;
    if (issues.length === 0) {
      logger.info('policy loaded', { policy: name, generation });
      return;
    }
    logger.error('policy rejected', {
      policy: name,
      generation,
      effect:
        policy === undefined
          ? 'it has never loaded: requests of namespaces that name it fail'
          : 'the last good one stays in force',
      reasons: issues.map(issueText),
    });
  }
}

/** Taken for a Namespace, any other object would be one without our labels: its pods would pass as they are. */
function checkNamespace(object: ApiObject, name: string): void {
  const { kind, metadata } = object;
  const { labels = {} } = metadata ?? {};
  if (kind !== 'Namespace' || metadata?.name !== name || !metadata.resourceVersion || !isRecord(labels))
    throw new UnreachableError('the API server answered with something else than this Namespace');
}

/** After the first list a watch never fails readiness: that would take all replicas out at once. */
function watchCheck(reflector: Reflector): { ok: boolean; detail?: string | undefined } {
  const { isSynced, disconnectedMs, problem } = reflector;
  const because = problem === undefined ? '' : ` (${problem})`;
  if (!isSynced) return { ok: false, detail: `not read yet${because}` };
  if (reflector.isMissing)
    return { ok: true, detail: 'its CRD is not installed: counted as none, and asked for again' };
  if (disconnectedMs < 1000) return { ok: true };
  const seconds = Math.round(disconnectedMs / 1000);
  return {
    ok: true,
    detail: `no connection to the API server for ${seconds} s${because}; decisions go on from what is known`,
  };
}
