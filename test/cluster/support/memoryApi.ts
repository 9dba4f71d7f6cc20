import fastJsonPatch, { type Operation } from 'fast-json-patch';
import type { ApiClient, ApiObject, ApiRequest } from '../../../src/cluster/apiClient.js';
import { ApiError } from '../../../src/cluster/apiError.js';
import type { WatchStream } from '../../../src/cluster/watchStream.js';

type Method = Parameters<ApiClient['request']>[0];

interface Event {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly path: string;
  readonly object: ApiObject;
}

/**
 * Objects by path, with what of an API server matters to those that write them: a resourceVersion that only grows,
 * updates that conflict, JSON patches whose tests fail, and watches of one object, which begin with it as it is where
 * they name the resourceVersion 0, and with 410 where they name one that is too old.
 */
export class MemoryApi implements ApiClient, WatchStream {
  readonly requests: string[] = [];
  /** Called before and after each request takes effect; what it throws is what the client gets. */
  intercept: (moment: 'before' | 'after', method: Method, path: string) => void = () => undefined;
  private readonly objects = new Map<string, ApiObject>();
  private readonly events: Event[] = [];
  private readonly watchers = new Set<{ deliver: () => void; end: (error?: Error) => void }>();
  private version = 1;
  /** Where watches can begin: an API server that was started knows nothing of what was before. */
  private watchableFrom = 0;

  /** As `kubectl apply` would. */
  put(path: string, object: ApiObject): ApiObject {
    const exists = this.objects.has(path);
    return this.store(path, object, exists ? 'MODIFIED' : 'ADDED');
  }

  get(path: string): ApiObject {
    const object = this.objects.get(path);
    if (object === undefined) throw new ApiError(404, `${path} not found`, 'NotFound');
    return structuredClone(object);
  }

  delete(path: string): void {
    this.store(path, this.get(path), 'DELETED');
    this.objects.delete(path);
  }

  async request(method: Method, path: string, request: ApiRequest = {}): Promise<ApiObject> {
    this.requests.push(`${method} ${path}`);
    // Others get their turn before and after: that is where races are.
    await Promise.resolve();
    this.intercept('before', method, path);
    const answer = this.answer(method, path, structuredClone(request.body));
    await Promise.resolve();
    this.intercept('after', method, path);
    return answer;
  }

  watch(
    path: string,
    query: Record<string, string | number | boolean>,
    onEvent: (type: string, object: ApiObject) => void,
    signal: AbortSignal,
    onOpen?: () => void,
  ): Promise<void> {
    const { fieldSelector, resourceVersion } = query;
    const watched = `${path}/${String(fieldSelector).replace('metadata.name=', '')}`;
    return new Promise((resolve, reject) => {
      this.intercept('before', 'GET', path);
      const isAny = resourceVersion === '0';
      let seen = isAny ? this.version : Number(resourceVersion);
      if (seen < this.watchableFrom) throw new ApiError(410, `too old resource version: ${seen}`, 'Expired');
      const now = isAny ? this.objects.get(watched) : undefined;
      onOpen?.();
      if (now !== undefined) queueMicrotask(() => onEvent('ADDED', structuredClone(now)));
      const deliver = (): void => {
        for (const event of this.events.filter((one) => one.path === watched && one.version > seen)) {
          seen = event.version;
          onEvent(event.type, structuredClone(event.object));
        }
      };
      const watcher = {
        deliver: () => queueMicrotask(deliver),
        end: (error?: Error) => {
          this.watchers.delete(watcher);
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      this.watchers.add(watcher);
      signal.addEventListener('abort', () => watcher.end(), { once: true });
      watcher.deliver();
    });
  }

  /** As where each API server is started anew. */
  restart(): void {
    this.watchableFrom = ++this.version;
    this.endWatches(new Error('socket hang up'));
  }

  /** As where etcd is restored: what is written next gets versions that there were before, and no watch hears of it. */
  setBack(versions: number): void {
    this.version -= versions;
    this.events.length = 0;
  }

  /** How many watches are open. */
  get watching(): number {
    return this.watchers.size;
  }

  endWatches(error?: Error): void {
    for (const watcher of [...this.watchers]) watcher.end(error);
  }

  private answer(method: Method, path: string, body: unknown): ApiObject {
    const before = this.get(path);
    if (method === 'GET') return before;
    if (method === 'PUT') {
      const after = body as ApiObject;
      const version = after.metadata?.resourceVersion;
      if (version !== undefined && version !== before.metadata?.resourceVersion)
        throw new ApiError(409, 'the object has been modified', 'Conflict');
      return structuredClone(this.store(path, after, 'MODIFIED'));
    }
    if (method === 'PATCH') {
      try {
        const { newDocument } = fastJsonPatch.applyPatch(before, body as Operation[], true);
        return structuredClone(this.store(path, newDocument, 'MODIFIED'));
      } catch (error) {
        throw new ApiError(422, String(error), 'Invalid');
      }
    }
    throw new ApiError(405, method, 'MethodNotAllowed');
  }

  private store(path: string, object: ApiObject, type: Event['type']): ApiObject {
    this.version += 1;
    const metadata = { ...object.metadata, resourceVersion: String(this.version) };
    const stored: ApiObject = { ...structuredClone(object), metadata };
    this.objects.set(path, stored);
    this.events.push({ version: this.version, type, path, object: stored });
    for (const watcher of this.watchers) watcher.deliver();
    return stored;
  }
}
