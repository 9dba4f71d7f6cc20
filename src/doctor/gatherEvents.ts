import type { ApiClient, ApiObject } from '../cluster/apiClient.js';
import { listPages } from '../cluster/listAll.js';
import { isRecord } from '../hardening/locate.js';
import type { EventFacts } from './facts.js';

/** The object that events are about. */
export interface Regarded {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** An object, and what was said of it. */
export interface RegardedEvents {
  readonly regarded: Regarded;
  readonly events: EventFacts[];
}

/** A Deployment's controller has a word of its own (ReplicaSetCreateError). */
const FAILED = ['FailedCreate', 'ReplicaSetCreateError'];
/** Of one object the last ones count; a controller may have written thousands. */
const KEPT = 20;

/**
 * The warnings of a namespace, or of all, by the object that they are about. What is told as Normal is no problem of
 * anybody's.
 */
export class NamespaceEvents {
  private readonly byNamespace = new Map<string, Map<string, RegardedEvents>>();

  /** @throws ApiError, UnreachableError or the system's error */
  static async read(api: ApiClient, namespace: string | undefined): Promise<NamespaceEvents> {
    const events = new NamespaceEvents();
    const path = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
    const pages = listPages(api, `/api/v1${path}/events`, { fieldSelector: 'type=Warning' });
    for await (const { items } of pages) for (const item of items) events.add(item);
    return events;
  }

  /** Of an object, the oldest first. */
  of(namespace: string, { kind, name, uid }: Omit<Regarded, 'apiVersion'>): readonly EventFacts[] {
    const keys = [keyOf({ kind, name, uid }), keyOf({ kind, name, uid: '' })];
    const byObject = this.byNamespace.get(namespace);
    return [...new Set(keys)].flatMap((key) => byObject?.get(key)?.events ?? []);
  }

  /** The objects of a namespace of which a controller says that it cannot make what they ask for. */
  failedCreates(namespace: string): RegardedEvents[] {
    return [...(this.byNamespace.get(namespace)?.values() ?? [])]
      .map(({ regarded, events }) => ({
        regarded,
        events: events.filter(({ reason }) => FAILED.includes(reason)),
      }))
      .filter(({ events }) => events.length > 0);
  }

  private add(event: ApiObject): void {
    const about = event['involvedObject'];
    if (!isRecord(about)) return;
    const [apiVersion, kind, name, uid, namespace] = ['apiVersion', 'kind', 'name', 'uid', 'namespace'].map(
      (field) => textOf(about[field]),
    ) as [string, string, string, string, string];
    const byObject = this.byNamespace.get(namespace) ?? new Map<string, RegardedEvents>();
    this.byNamespace.set(namespace, byObject);
    const key = keyOf({ kind, name, uid });
    const known = byObject.get(key) ?? { regarded: { apiVersion, kind, name, uid }, events: [] };
    known.events.push(factsOf(event, about));
    known.events.sort((one, other) => (one.lastSeen ?? 0) - (other.lastSeen ?? 0));
    if (known.events.length > KEPT) known.events.shift();
    byObject.set(key, known);
  }
}

/** An event that somebody wrote by hand may name no uid. */
function keyOf({ kind, name, uid }: Omit<Regarded, 'apiVersion'>): string {
  return uid === '' ? `${kind}/${name}` : uid;
}

/** Written by old recorders (`count`, `lastTimestamp`) or by new ones (`series`, `eventTime`). */
function factsOf(event: ApiObject, about: Readonly<Record<string, unknown>>): EventFacts {
  const series = isRecord(event['series']) ? event['series'] : {};
  const seen = [series['lastObservedTime'], event['lastTimestamp'], event['eventTime']]
    .map((time) => Date.parse(textOf(time)))
    .filter((time) => !Number.isNaN(time));
  const count = [series['count'], event['count']].find((each) => typeof each === 'number');
  const fieldPath = textOf(about['fieldPath']);
  return {
    type: textOf(event['type']),
    reason: textOf(event['reason']),
    message: textOf(event['message']),
    ...(fieldPath !== '' && { fieldPath }),
    ...(count !== undefined && { count }),
    ...(seen.length > 0 && { lastSeen: Math.max(...seen) }),
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
