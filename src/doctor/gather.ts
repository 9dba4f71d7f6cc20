import type { KubernetesObject } from '../admission/types.js';
import type { ApiClient, ApiStreams } from '../cluster/apiClient.js';
import { ApiError, isForbidden } from '../cluster/apiError.js';
import { listAll } from '../cluster/listAll.js';
import { readPodLog, type PodLogName } from '../cluster/podLogs.js';
import type { Plan } from '../hardening/plan.js';
import { isRecord } from '../hardening/locate.js';
import { PlanUnavailableError } from '../policy/planUnavailableError.js';
import type { AuthoredPod, ContainerLogs, LogFacts, PodFacts } from './facts.js';
import { NamespaceEvents } from './gatherEvents.js';
import { logsOf } from './gatherLogs.js';

export interface GatherOptions {
  readonly api: ApiClient & ApiStreams;
  /** `LivePlans` is one. */
  readonly plans: { planFor(namespace: string): Plan | Promise<Plan> };
  /** The pod as its author wrote it; undefined where nobody knows. */
  readonly authorOf: (pod: KubernetesObject) => Promise<AuthoredPod | undefined>;
  /** Of reading one log, in milliseconds; the client's own unless given. */
  readonly logTimeoutMs?: number | undefined;
}

/** What is known of a namespace. */
export interface NamespaceFacts {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly plan: Plan | undefined;
  /** Why there is no plan, where it is not for want of rights: its policy does not load. */
  readonly planProblem: string | undefined;
  readonly isThere: boolean;
}

const NO_SUCH_LOG = 400;
const NOT_FOUND = 404;
const SERVER_ERROR = 500;

/**
 * Reads what a diagnosis needs, each thing once. What may not be read, or does not come, is told in `missing`; all else
 * goes on.
 */
export class Gathering {
  /** Logs that were read. */
  logs = 0;
  private readonly told = new Map<string, boolean>();
  private readonly namespaces = new Map<string, Promise<NamespaceFacts>>();
  private readonly events = new Map<string, Promise<NamespaceEvents | undefined>>();
  private everywhere: NamespaceEvents | undefined;
  /** Of namespaces that were listed. */
  private readonly labels = new Map<string, Readonly<Record<string, string>>>();
  /** Namespaces whose logs may not be read. */
  private readonly closed = new Set<string>();
  /** Nodes that did not answer when a log was asked for: the next pod's would be waited for as long. */
  private readonly silentNodes = new Set<string>();

  constructor(private readonly options: GatherOptions) {}

  /** What could not be read, one line each. */
  get missing(): readonly string[] {
    return [...this.told.keys()];
  }

  /** Whether a cause may have been overlooked for what could not be read. */
  get isPartial(): boolean {
    return [...this.told.values()].includes(true);
  }

  /** @param isPartial whether a cause may be overlooked for it */
  tell(line: string, isPartial = true): void {
    this.told.set(line, isPartial || this.told.get(line) === true);
  }

  /** Lists namespaces and events of the whole cluster at once, where that is allowed. */
  async preload(): Promise<void> {
    const { api } = this.options;
    const allowed = async <T>(read: Promise<T>): Promise<T | undefined> =>
      read.catch((error: unknown) => {
        if (!isForbidden(error)) throw error;
        return undefined;
      });
    const [namespaces, events] = await Promise.all([
      allowed(listAll(api, '/api/v1/namespaces')),
      allowed(NamespaceEvents.read(api, undefined)),
    ]);
    for (const { metadata } of namespaces ?? [])
      this.labels.set(metadata?.name ?? '', metadata?.labels ?? {});
    this.everywhere = events;
  }

  /** The warnings of a namespace; undefined where they may not be read. */
  async eventsOf(namespace: string): Promise<NamespaceEvents | undefined> {
    if (this.everywhere) return this.everywhere;
    let events = this.events.get(namespace);
    if (!events) this.events.set(namespace, (events = this.readEvents(namespace)));
    return events;
  }

  async namespaceOf(name: string): Promise<NamespaceFacts> {
    let facts = this.namespaces.get(name);
    if (!facts) this.namespaces.set(name, (facts = this.readNamespace(name)));
    return facts;
  }

  /**
   * @param withLogs whether its logs are read
   * @throws ApiError, UnreachableError or the system's error where the API server cannot be asked
   */
  async podFacts(pod: KubernetesObject, withLogs = true): Promise<PodFacts> {
    const { namespace, name, uid } = identityOf(pod);
    const missing: string[] = [];
    const [{ labels, plan }, events, author, logs] = await Promise.all([
      this.namespaceOf(namespace),
      this.eventsOf(namespace),
      this.options.authorOf(pod),
      withLogs ? this.readLogs(pod, missing) : new Map<string, ContainerLogs>(),
    ]);
    return {
      pod,
      ...(author && { author }),
      namespaceLabels: labels,
      ...(plan && { plan }),
      events: events?.of(namespace, { kind: 'Pod', name, uid }) ?? [],
      logs,
      missing,
    };
  }

  private async readEvents(namespace: string): Promise<NamespaceEvents | undefined> {
    try {
      return await NamespaceEvents.read(this.options.api, namespace);
    } catch (error) {
      if (!isForbidden(error)) throw error;
      this.tell(`the events of namespace ${namespace}: ${error.message}`);
      return undefined;
    }
  }

  private async readNamespace(name: string): Promise<NamespaceFacts> {
    const [labels, planned] = await Promise.all([this.readLabels(name), this.readPlan(name)]);
    return { name, labels: labels ?? {}, isThere: labels !== undefined, ...planned };
  }

  /** @returns undefined where there is no such namespace */
  private async readLabels(name: string): Promise<Readonly<Record<string, string>> | undefined> {
    const known = this.labels.get(name);
    if (known) return known;
    try {
      const path = `/api/v1/namespaces/${encodeURIComponent(name)}`;
      return (await this.options.api.request('GET', path)).metadata?.labels ?? {};
    } catch (error) {
      if (error instanceof ApiError && error.status === NOT_FOUND) return undefined;
      if (!isForbidden(error)) throw error;
      this.tell(`the labels and policy of namespace ${name}: ${error.message}`);
      return {};
    }
  }

  private async readPlan(name: string): Promise<Pick<NamespaceFacts, 'plan' | 'planProblem'>> {
    try {
      return { plan: await this.options.plans.planFor(name), planProblem: undefined };
    } catch (error) {
      if (!(error instanceof PlanUnavailableError)) throw error;
      const { cause, notFound, message } = error;
      if (cause === undefined) return { plan: undefined, planProblem: message };
      // What may not be read, or is not there, is told of its labels.
      if (notFound || isForbidden(cause)) return { plan: undefined, planProblem: undefined };
      throw cause instanceof Error ? cause : error;
    }
  }

  /** Of a pod one after the other: how many are read at a time is up to whoever asks for facts. */
  private async readLogs(pod: KubernetesObject, missing: string[]): Promise<Map<string, ContainerLogs>> {
    const logs = new Map<string, ContainerLogs>();
    for (const { container, previous } of logsOf(pod)) {
      const { namespace, name } = identityOf(pod);
      const log = await this.readLog({ namespace, pod: name, container, previous }, nodeOf(pod), missing);
      if (log === 'no more') break;
      if (log) logs.set(container, { ...logs.get(container), [previous ? 'previous' : 'current']: log });
    }
    return logs;
  }

  private async readLog(
    log: PodLogName,
    node: string,
    missing: string[],
  ): Promise<LogFacts | 'no more' | undefined> {
    if (this.closed.has(log.namespace)) return 'no more';
    if (this.silentNodes.has(node)) {
      missing.push(`its logs: node ${node} did not answer before`);
      return 'no more';
    }
    try {
      this.logs += 1;
      return await readPodLog(this.options.api, log, this.options.logTimeoutMs);
    } catch (error) {
      return this.withoutLog(log, node, missing, error);
    }
  }

  /** @throws what is no answer of an API server, nor a failure to get one: a bug */
  private withoutLog(
    { namespace, container, previous }: PodLogName,
    node: string,
    missing: string[],
    error: unknown,
  ): 'no more' | undefined {
    if (!(error instanceof Error && 'code' in error)) throw error;
    if (isForbidden(error)) {
      // Others of its pods may have been asked for at the same time.
      if (!this.closed.has(namespace)) this.tell(`the logs of namespace ${namespace}: ${error.message}`);
      this.closed.add(namespace);
      return 'no more';
    }
    const status = error instanceof ApiError ? error.status : undefined;
    // It has not started, or the kubelet has removed it.
    if (status === NO_SUCH_LOG) return undefined;
    if (status === NOT_FOUND && error.message.startsWith('pods ')) {
      missing.push('its logs: it was deleted meanwhile');
      return 'no more';
    }
    missing.push(
      `${previous ? 'the previous log' : 'the log'} of container "${container}": ${error.message}`,
    );
    // The API server passes on what it hears from the node.
    if (status === undefined || status >= SERVER_ERROR) {
      this.silentNodes.add(node);
      this.tell(`the logs of pods on node ${node}: ${error.message}`);
      return 'no more';
    }
    return undefined;
  }
}

/** Where a pod is, and what it is called. */
export function identityOf({ metadata }: KubernetesObject): {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
} {
  const uid = metadata?.['uid'];
  return {
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    uid: typeof uid === 'string' ? uid : '',
  };
}

function nodeOf({ spec }: KubernetesObject): string {
  const name = isRecord(spec) ? spec['nodeName'] : undefined;
  return typeof name === 'string' ? name : '';
}
