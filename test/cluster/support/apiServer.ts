import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { KubeApiClient, type ApiObject } from '../../../src/cluster/apiClient.js';
import { KubeWatchStream } from '../../../src/cluster/watchStream.js';

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly isWatch: boolean;
  readonly body: unknown;
}

export type Answer = (res: ServerResponse) => void;

interface Event {
  readonly path: string;
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: ApiObject;
}

/**
 * What a server of Kubernetes' API does with collections: lists in pages, objects by name, watches that go on from a
 * version as long as its history has not been compacted; over real HTTP.
 */
export class ApiServer {
  readonly requests: SeenRequest[] = [];
  readonly api: KubeApiClient;
  readonly stream: KubeWatchStream;
  /** Answers in place of the server where it returns something. */
  intercept: (request: SeenRequest) => Answer | undefined = () => undefined;
  pageSize = Infinity;
  private version = 100;
  private readonly events: Event[] = [];
  /** A watch from before it gets 410. */
  private compacted = 0;
  private readonly collections = new Map<string, Map<string, ApiObject>>();
  /** By path, the list that is being read in pages. */
  private readonly paged = new Map<
    string,
    { readonly all: readonly ApiObject[]; readonly version: number }
  >();
  private readonly watches = new Set<{ readonly path: string; readonly res: ServerResponse }>();

  private constructor(private readonly server: Server) {
    const { port } = server.address() as AddressInfo;
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      { name: 'test', server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
      { name: 'test', token: 'a-token' },
    );
    this.api = new KubeApiClient(config);
    this.stream = new KubeWatchStream(config);
  }

  static async start(port = 0): Promise<ApiServer> {
    const server = createServer((req, res) => void made.handle(req, res));
    await new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve));
    const made = new ApiServer(server);
    return made;
  }

  close(): void {
    this.api.close();
    this.server.closeAllConnections();
    this.server.close();
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Leads a process to this server. */
  get kubeconfig(): unknown {
    return kubeconfigOf(this.port);
  }

  /** Serves a collection in which nothing is yet. */
  serve(path: string): void {
    this.collection(path);
  }

  /** A new resourceVersion, as a write of anything gives. */
  next(): string {
    this.version += 1;
    return String(this.version);
  }

  /** Stores an object and tells the watches of it. */
  put(path: string, object: ApiObject): ApiObject {
    const made = this.putSilently(path, object);
    this.happened(path, this.isFirst ? 'ADDED' : 'MODIFIED', made);
    return made;
  }

  /** As an event that is lost on its way. */
  putSilently(path: string, object: ApiObject): ApiObject {
    const collection = this.collection(path);
    const key = keyOf(object);
    this.isFirst = !collection.has(key);
    const made = { ...object, metadata: { ...object.metadata, resourceVersion: this.next() } };
    collection.set(key, made);
    return made;
  }
  private isFirst = true;

  remove(path: string, name: string): void {
    const object = this.removeSilently(path, name);
    this.happened(path, 'DELETED', object);
  }

  removeSilently(path: string, name: string): ApiObject {
    const collection = this.collection(path);
    const object = collection.get(name);
    if (!object) throw new Error(`no ${name}`);
    collection.delete(name);
    return { ...object, metadata: { ...object.metadata, resourceVersion: this.next() } };
  }

  /** All that there is in a collection. */
  objects(path: string): ApiObject[] {
    return [...(this.collections.get(path)?.values() ?? [])];
  }

  /** Tells the watches how far they are; one that does not hear of it goes on from further back. */
  bookmark(path: string): void {
    this.send(path, 'BOOKMARK', { metadata: { resourceVersion: String(this.version) } });
  }

  /** Forgets what has happened: a watch can go on from now and no longer from earlier. */
  compact(): void {
    this.events.length = 0;
    this.compacted = this.version;
  }

  /** As where etcd is restored: what is written next gets versions that there were before. */
  setBack(versions: number): void {
    this.version -= versions;
    this.events.length = 0;
    this.endWatches('cut');
  }

  /** Says something to the open watches that is in no history. */
  send(path: string, type: string, object: unknown): void {
    for (const watch of this.watches)
      if (watch.path === path) watch.res.write(`${JSON.stringify({ type, object })}\n`);
  }

  /** Ends the open watches in good order, or cuts their connections. */
  endWatches(how: 'end' | 'cut' = 'end'): void {
    for (const { res } of this.watches) {
      if (how === 'end') res.end();
      else res.destroy();
    }
    this.watches.clear();
  }

  /** Cuts the open watches in the middle of a line. */
  cutWithinLine(): void {
    for (const { res } of this.watches) {
      res.write('{"type":"MODIFIED","object":{"metadata":{"na');
      setImmediate(() => res.destroy());
    }
    this.watches.clear();
  }

  watching(path: string): number {
    return [...this.watches].filter((watch) => watch.path === path).length;
  }

  lists(path: string): SeenRequest[] {
    return this.requests.filter((seen) => seen.path === path && seen.method === 'GET' && !seen.isWatch);
  }

  watched(path: string): SeenRequest[] {
    return this.requests.filter((seen) => seen.path === path && seen.isWatch);
  }

  private collection(path: string): Map<string, ApiObject> {
    const found = this.collections.get(path) ?? new Map<string, ApiObject>();
    this.collections.set(path, found);
    return found;
  }

  private happened(path: string, type: Event['type'], object: ApiObject): void {
    this.events.push({ path, version: this.version, type, object });
    this.send(path, type, object);
  }

  private async handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const url = new URL(req.url ?? '/', 'http://localhost');
    const query = Object.fromEntries(url.searchParams);
    const request: SeenRequest = {
      method: req.method ?? '',
      path: url.pathname,
      query,
      isWatch: query['watch'] === 'true',
      body: text === '' ? undefined : (JSON.parse(text) as unknown),
    };
    this.requests.push(request);
    const answer = this.intercept(request);
    if (answer) answer(res);
    else if (request.isWatch) this.watch(request, res);
    else this.answerTo(request)(res);
  }

  private watch({ path, query }: SeenRequest, res: ServerResponse): void {
    const from = Number(query['resourceVersion'] ?? this.version);
    if (from < this.compacted) {
      status(410, `too old resource version: ${from} (${this.compacted})`, 'Expired')(res);
      return;
    }
    const watch = { path, res };
    this.watches.add(watch);
    res.on('close', () => this.watches.delete(watch));
    res.writeHead(200, { 'content-type': 'application/json' });
    res.flushHeaders();
    for (const event of this.events)
      if (event.path === path && event.version > from)
        res.write(`${JSON.stringify({ type: event.type, object: event.object })}\n`);
  }

  private answerTo({ method, path, query }: SeenRequest): Answer {
    if (method !== 'GET') return json({}, 201);
    const found = this.listed(path);
    if (!found) return this.one(path);
    // The pages of a list are of one moment, that of its first.
    const begun = query['continue'] === undefined ? undefined : this.paged.get(path);
    const { all, version } = begun ?? { all: found, version: this.version };
    this.paged.set(path, { all, version });
    const from = Number(query['continue'] ?? 0);
    const to = from + Math.min(this.pageSize, Number(query['limit'] ?? Infinity));
    const metadata = {
      resourceVersion: String(version),
      ...(to < all.length && { continue: String(to) }),
    };
    return json({ kind: 'List', metadata, items: all.slice(from, to) });
  }

  /** A collection, or what of it lies in one namespace; undefined where the path is none. */
  private listed(path: string): ApiObject[] | undefined {
    if (this.collections.has(path)) return this.objects(path);
    const [, root = '', namespace, resource] = /^(.*)\/namespaces\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
    const whole = `${root}/${String(resource)}`;
    if (!this.collections.has(whole)) return undefined;
    return this.objects(whole).filter(({ metadata }) => metadata?.namespace === namespace);
  }

  private one(path: string): Answer {
    const slash = path.lastIndexOf('/');
    const object = this.collections.get(path.slice(0, slash))?.get(path.slice(slash + 1));
    if (object) return json(object);
    return status(404, `${path} not found`);
  }
}

/** A kubeconfig that leads to an API server on this port, there already or not. */
export function kubeconfigOf(port: number): unknown {
  const cluster = { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true };
  return {
    'current-context': 'test',
    clusters: [{ name: 'test', cluster }],
    users: [{ name: 'test', user: { token: 'a-token' } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
  };
}

function keyOf({ metadata }: ApiObject): string {
  const name = metadata?.name ?? '';
  return metadata?.namespace === undefined ? name : `${metadata.namespace}/${name}`;
}

export function json(body: unknown, code = 200): Answer {
  return (res) => res.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** A metav1.Status. */
export function status(code: number, message: string, reason = 'Reason'): Answer {
  return json({ kind: 'Status', code, message, reason }, code);
}

/** Takes the connection away before an answer. */
export const cut: Answer = (res) => res.destroy();

export const silence: Answer = () => undefined;

/** A watch that is accepted, says this, and ends. */
export function watchThat(...events: readonly { readonly type: string; readonly object: unknown }[]): Answer {
  return (res) => {
    res.writeHead(200, { 'content-type': 'application/json' });
    res.flushHeaders();
    for (const event of events) res.write(`${JSON.stringify(event)}\n`);
    res.end();
  };
}
