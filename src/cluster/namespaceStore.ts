import type { LimitRangeItem, QuotaFacts } from '../hardening/plan.js';
import { isRecord } from '../hardening/locate.js';
import { parseQuantity, type Quantity } from '../hardening/quantity.js';
import {
  countedResources,
  countsByQos,
  ownLabels,
  uidRangeOf,
  type NamespaceFacts,
} from '../policy/namespace.js';
import type { ApiObject } from './apiClient.js';
import type { ObjectStore, Replacement } from './reflector.js';
import { isLater } from './resourceVersion.js';

/** What is kept of a Namespace: labels of ours and one annotation. */
interface KnownNamespace {
  readonly labels: Readonly<Record<string, string>>;
  readonly uidRange: string | undefined;
}

interface KnownQuota extends QuotaFacts {
  readonly byQos: boolean;
}

const NO_LABELS: Readonly<Record<string, string>> = Object.freeze({});

/**
 * The namespaces of a cluster with their LimitRanges and ResourceQuotas, each followed by a reflector of its own.
 * Keeps what decisions need and nothing else; whoever asked is told of a namespace for which that changed.
 */
export class NamespaceStore {
  readonly namespaces: ObjectStore;
  readonly limitRanges: ObjectStore;
  readonly resourceQuotas: ObjectStore;
  private readonly known: KeyedStore<KnownNamespace>;
  private readonly ranges: KeyedStore<readonly LimitRangeItem[]>;
  private readonly quotas: KeyedStore<KnownQuota>;

  /** @param changed what is known of this namespace is not what it was */
  constructor(changed: (namespace: string) => void) {
    const toNamespace = (key: string): void => changed(namespaceOfKey(key));
    this.known = new KeyedStore(keepNamespace, changed);
    this.ranges = new KeyedStore(keepLimitRange, toNamespace);
    this.quotas = new KeyedStore(keepQuota, toNamespace);
    this.namespaces = this.known;
    this.limitRanges = this.ranges;
    this.resourceQuotas = this.quotas;
  }

  /** @returns undefined where there is no such namespace, or it was created a moment ago */
  get(name: string): NamespaceFacts | undefined {
    const known = this.known.get(name);
    if (!known) return undefined;
    const quotas = this.quotas.of(name);
    return {
      name,
      ...known,
      limitRanges: this.ranges.of(name).flat(),
      quotaByQos: quotas.some(({ byQos }) => byQos),
      quotas: quotas.flatMap(({ name: quota, resources }) =>
        resources.length > 0 ? [{ name: quota, resources }] : [],
      ),
    };
  }
}

/** A namespace's objects lie together: their key is the namespace's name, a slash, and their own. */
function keyOf({ metadata }: ApiObject): string {
  const name = metadata?.name ?? '';
  return metadata?.namespace === undefined ? name : `${metadata.namespace}/${name}`;
}

function namespaceOfKey(key: string): string {
  const slash = key.indexOf('/');
  return slash < 0 ? key : key.slice(0, slash);
}

interface Entry<T> {
  readonly value: T;
  readonly version: string;
}

/** Objects reduced to what is kept of them, none older than what was there before. */
class KeyedStore<T> implements ObjectStore {
  private entries = new Map<string, Entry<T>>();
  /** Of namespaced objects: the keys of each namespace. */
  private readonly byNamespace = new Map<string, Set<string>>();

  constructor(
    private readonly keep: (object: ApiObject) => T,
    private readonly changed: (key: string) => void,
  ) {}

  get size(): number {
    return this.entries.size;
  }

  get(key: string): T | undefined {
    return this.entries.get(key)?.value;
  }

  /** The objects of a namespace, in the order of their names: plans that say the same are to be the same. */
  of(namespace: string): T[] {
    const keys = [...(this.byNamespace.get(namespace) ?? [])].sort();
    return keys.flatMap((key) => this.entries.get(key)?.value ?? []);
  }

  put(object: ApiObject): void {
    const key = keyOf(object);
    const version = object.metadata?.resourceVersion ?? '';
    const before = this.entries.get(key);
    if (before && isLater(before.version, version)) return;
    const value = this.keep(object);
    this.entries.set(key, { value, version });
    if (!before) this.index(key);
    if (!before || !isSame(before.value, value)) this.changed(key);
  }

  delete(object: ApiObject): void {
    const key = keyOf(object);
    const before = this.entries.get(key);
    // One of the same name was created since, and looked up.
    if (!before || isLater(before.version, object.metadata?.resourceVersion ?? '')) return;
    this.remove(key);
  }

  startReplacing(isSetBack = false): Replacement {
    if (isSetBack) for (const [key, { value }] of this.entries) this.entries.set(key, { value, version: '' });
    const listed = new Set<string>();
    return {
      add: (object) => {
        listed.add(keyOf(object));
        this.put(object);
      },
      commit: (resourceVersion) => {
        for (const [key, { version }] of this.entries)
          if (!listed.has(key) && !isLater(version, resourceVersion)) this.remove(key);
      },
    };
  }

  private remove(key: string): void {
    this.entries.delete(key);
    const namespace = namespaceOfKey(key);
    const keys = this.byNamespace.get(namespace);
    keys?.delete(key);
    if (keys?.size === 0) this.byNamespace.delete(namespace);
    this.changed(key);
  }

  private index(key: string): void {
    if (!key.includes('/')) return;
    const namespace = namespaceOfKey(key);
    const keys = this.byNamespace.get(namespace);
    if (keys) keys.add(key);
    else this.byNamespace.set(namespace, new Set([key]));
  }
}

/** Quantities are bigints, which JSON does not write. */
function isSame(one: unknown, other: unknown): boolean {
  const text = (value: unknown): string =>
    JSON.stringify(value, (_key, part: unknown) =>
      part instanceof Map ? [...part] : typeof part === 'bigint' ? String(part) : part,
    );
  return text(one) === text(other);
}

function keepNamespace({ metadata }: ApiObject): KnownNamespace {
  const labels = ownLabels(metadata?.labels);
  return {
    labels: Object.keys(labels).length === 0 ? NO_LABELS : labels,
    uidRange: uidRangeOf(metadata?.annotations),
  };
}

function keepLimitRange(object: ApiObject): readonly LimitRangeItem[] {
  const spec = object['spec'];
  const limits: unknown = isRecord(spec) ? spec['limits'] : undefined;
  if (!Array.isArray(limits)) return [];
  return limits.filter(isRecord).flatMap(({ type, max, min, maxLimitRequestRatio }): LimitRangeItem[] =>
    type === 'Container' || type === 'Pod'
      ? [
          {
            type,
            max: quantities(max),
            min: quantities(min),
            maxLimitRequestRatio: quantities(maxLimitRequestRatio),
          },
        ]
      : [],
  );
}

function quantities(given: unknown): ReadonlyMap<string, Quantity> {
  const entries = Object.entries(isRecord(given) ? given : {});
  return new Map(
    entries.flatMap(([name, value]) => {
      const quantity = parseQuantity(value);
      return quantity === undefined ? [] : [[name, quantity] as const];
    }),
  );
}

function keepQuota(object: ApiObject): KnownQuota {
  const spec = isRecord(object['spec']) ? object['spec'] : {};
  return {
    name: object.metadata?.name ?? '',
    resources: countedResources(isRecord(spec['hard']) ? spec['hard'] : undefined),
    byQos: countsByQos(spec),
  };
}
