import type { ApiClient, ApiObject, ApiRequest } from '../../src/cluster/apiClient.js';
import { ApiError } from '../../src/cluster/apiError.js';

/** Objects by the resource that they are listed under: `deployments`, `namespaces`. */
export type Objects = Readonly<Record<string, readonly ApiObject[]>>;

/** An API server that holds some objects and answers lists in pages; what is asked is written down. */
export class FakeCluster implements ApiClient {
  readonly asked: string[] = [];

  /** @param refuses which paths are answered with 403 */
  constructor(
    private readonly objects: Objects,
    private readonly refuses: (path: string) => boolean = () => false,
  ) {}

  request(_method: string, path: string, { query = {} }: ApiRequest = {}): Promise<ApiObject> {
    this.asked.push(path);
    if (this.refuses(path)) return Promise.reject(new ApiError(403, `no rights: ${path}`, 'Forbidden'));
    if (path === '/version') return Promise.resolve({ major: '1', minor: '36' });
    const [, namespace, resource, name] =
      /^\/apis?\/(?:[\w.-]+\/)?v\w+(?:\/namespaces\/([^/]+)(?=\/))?\/(\w+)(?:\/([^/]+))?$/.exec(path) ?? [];
    const all = this.objects[resource ?? ''] ?? [];
    if (name !== undefined) {
      const found = all.find(({ metadata }) => metadata?.name === name);
      return found ? Promise.resolve(found) : Promise.reject(new ApiError(404, 'not found', 'NotFound'));
    }
    const items = all.filter(({ metadata }) => namespace === undefined || metadata?.namespace === namespace);
    const from = Number(query['continue'] ?? 0);
    const to = from + Number(query['limit'] ?? items.length);
    const rest = Math.max(0, items.length - to);
    return Promise.resolve({
      items: items.slice(from, to),
      metadata: { ...(rest > 0 && { continue: String(to), remainingItemCount: rest }) },
    });
  }
}

const CONTAINER = { name: 'main', image: 'registry.example/shop/web:1' };

/** A pod's spec of one container. */
export function podSpec(container: object = {}): Record<string, unknown> {
  return { containers: [{ ...CONTAINER, ...container }] };
}

interface Meta {
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** `kind/name`, whose uid is the same. */
  readonly owner?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An object whose uid is `kind/name`, as its children name it. */
export function listed(kind: string, name: string, spec: unknown, meta: Meta = {}): ApiObject {
  const { owner, namespace = 'shop', ...rest } = meta;
  const [ownerKind, ownerName] = owner?.split('/') ?? [];
  const ownerReferences = [
    { apiVersion: 'example.org/v1', kind: ownerKind, name: ownerName, uid: owner, controller: true },
  ];
  return {
    metadata: {
      name,
      namespace,
      uid: `${kind}/${name}`,
      ...rest,
      ...(owner !== undefined && { ownerReferences }),
    },
    spec,
  };
}

export function namespace(name: string, labels: Readonly<Record<string, string>> = {}): ApiObject {
  return { metadata: { name, labels } };
}

/** The spec of a workload that has a template. */
export function templated(replicas: number, spec: unknown = podSpec()): Record<string, unknown> {
  return { replicas, template: { metadata: { labels: { app: 'web' } }, spec } };
}
