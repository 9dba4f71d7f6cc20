import type { ApiClient, ApiObject } from '../cluster/apiClient.js';
import { ApiError, isForbidden } from '../cluster/apiError.js';
import { listPages } from '../cluster/listAll.js';
import { listPath, STEPS, type ScannedKind } from './kinds.js';

/** Told after each page how far the reading of a resource is; `remaining` where the API server says. */
export type Progress = (resource: string, soFar: number, remaining: number | undefined) => void;

export interface ReadingsOptions {
  readonly api: ApiClient;
  /** Those that were asked for, or undefined for all of the cluster. */
  readonly namespaces: readonly string[] | undefined;
  /** Those of the cluster that matter, for what may not be listed of all at once. */
  readonly everyNamespace: readonly string[];
  readonly progress: Progress;
}

const NOT_FOUND = 404;
/** Namespaces that are read side by side, each with the lists of a step: below the client's 16 connections. */
const SIDE_BY_SIDE = 4;

/** Reads lists page by page: of the whole cluster where that is allowed, else namespace by namespace. */
export class Readings {
  /** By namespace: the resources that could not be read, and what the API server said of the first. */
  private readonly refused = new Map<string, { readonly resources: string[]; readonly message: string }>();
  /** Resources that were listed of the whole cluster at once. */
  private readonly clusterWide = new Set<string>();
  private readonly soFar = new Map<string, number>();

  constructor(private readonly options: ReadingsOptions) {}

  /**
   * Every kind, makers before what they make.
   *
   * @param take is handed each object, and nothing of it is kept
   * @throws ApiError, UnreachableError or the system's error where the API server cannot be asked
   */
  async readAll(take: (kind: ScannedKind, object: ApiObject) => Promise<void>): Promise<void> {
    for (const step of STEPS)
      await Promise.all(step.map((kind) => this.read(kind, (one) => take(kind, one))));
  }

  private async read(kind: ScannedKind, take: (object: ApiObject) => Promise<void>): Promise<void> {
    const { namespaces, everyNamespace } = this.options;
    if (namespaces === undefined && (await this.readList(kind, undefined, take)) === undefined) {
      this.clusterWide.add(kind.resource);
      return;
    }
    const rest = [...(namespaces ?? everyNamespace)];
    const readNext = async (): Promise<void> => {
      for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
        const problem = await this.readList(kind, name, take);
        if (problem !== undefined) this.refuse(name, kind.resource, problem);
      }
    };
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, readNext));
  }

  /** The resources that could not be read in a namespace. */
  refusedIn(namespace: string): readonly string[] {
    return this.refused.get(namespace)?.resources ?? [];
  }

  /** Whether nothing of a namespace could be read. */
  isClosed(namespace: string): boolean {
    return this.refusedIn(namespace).length === STEPS.flat().length;
  }

  /** What could not be read, one line a namespace. */
  missing(): string[] {
    return [...this.refused]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([namespace, { resources, message }]) => {
        const what = this.isClosed(namespace) ? 'none of its workloads' : `no ${resources.join(', ')}`;
        return `namespace ${namespace}: ${what} may be read: ${message}`;
      });
  }

  /** Whether a resource was read of every namespace, also of those that are never touched. */
  isOfAll(resource: string): boolean {
    return this.clusterWide.has(resource);
  }

  private refuse(namespace: string, resource: string, message: string): void {
    const before = this.refused.get(namespace);
    if (before) before.resources.push(resource);
    else this.refused.set(namespace, { resources: [resource], message });
  }

  /** @returns what the API server said where it may not be read; a resource that is not served has no objects */
  private async readList(
    kind: ScannedKind,
    namespace: string | undefined,
    take: (object: ApiObject) => Promise<void>,
  ): Promise<string | undefined> {
    try {
      for await (const { items, remaining } of listPages(this.options.api, listPath(kind, namespace))) {
        for (const item of items) await take(item);
        const soFar = (this.soFar.get(kind.resource) ?? 0) + items.length;
        this.soFar.set(kind.resource, soFar);
        this.options.progress(kind.resource, soFar, remaining);
      }
      return undefined;
    } catch (error) {
      if (error instanceof ApiError && error.status === NOT_FOUND) return undefined;
      if (!isForbidden(error)) throw error;
      return error.message;
    }
  }
}
