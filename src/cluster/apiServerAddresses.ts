import { isRecord } from '../hardening/locate.js';
import type { ApiClient, ApiObject } from './apiClient.js';
import { ApiError } from './apiError.js';

/** An address by which the API server can be reached, and where that is written. */
export interface ApiServerAddress {
  /** IPv4 or IPv6, as the API gives it. */
  readonly address: string;
  /** @example `EndpointSlice kubernetes` */
  readonly from: string;
}

export interface ApiServerAddresses {
  readonly addresses: readonly ApiServerAddress[];
  /** What could not be read, so that addresses may be missing; one line each. */
  readonly missing: readonly string[];
}

/** Thrown where a cluster does not tell the addresses of its API server; the message says why. */
export class AddressesUnknownError extends Error {
  readonly code = 'AddressesUnknown';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AddressesUnknownError';
  }
}

const ENDPOINT_SLICES = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
const ENDPOINTS = '/api/v1/namespaces/default/endpoints/kubernetes';
const SERVICE = '/api/v1/namespaces/default/services/kubernetes';
const NODES = '/api/v1/nodes';
const PAGE = 500;

/**
 * Everything by which a pod can reach the API server: the endpoints of the Service `default/kubernetes`, to which most
 * network plugins have translated a packet's destination when they judge it; its cluster IPs, for the others; and all
 * addresses of control plane nodes, on whose network an API server listens.
 *
 * @throws AddressesUnknownError where the endpoints cannot be read or there are none
 */
export async function readApiServerAddresses(api: ApiClient): Promise<ApiServerAddresses> {
  const endpoints = await endpointAddresses(api);
  const missing: string[] = [];
  const service = await readOr(api, SERVICE, 'the Service default/kubernetes', missing);
  const nodes = await controlPlaneNodes(api, missing);
  const found = [...endpoints, ...clusterIps(service), ...nodes.flatMap(nodeAddresses)];
  return { addresses: found, missing };
}

async function endpointAddresses(api: ApiClient): Promise<ApiServerAddress[]> {
  const problems: string[] = [];
  const query = { labelSelector: 'kubernetes.io/service-name=kubernetes' };
  const slices = await readOr(
    api,
    ENDPOINT_SLICES,
    'the EndpointSlices of default/kubernetes',
    problems,
    query,
  );
  const found = listOf(slices?.['items']).filter(isRecord).flatMap(sliceAddresses);
  if (found.length > 0) return found;
  // Of clusters before EndpointSlices, and of roles that may read only these.
  const endpoints = await readOr(api, ENDPOINTS, 'the Endpoints default/kubernetes', problems);
  const older = endpoints === undefined ? [] : endpointsAddresses(endpoints);
  if (older.length > 0) return older;
  const why = problems.length > 0 ? problems.join('; ') : 'the Service default/kubernetes has no endpoints';
  throw new AddressesUnknownError(why);
}

function sliceAddresses(slice: Record<string, unknown>): ApiServerAddress[] {
  if (slice['addressType'] === 'FQDN') return [];
  const from = `EndpointSlice ${nameOf(slice)}`;
  const endpoints = listOf(slice['endpoints']).filter(isRecord);
  return endpoints.flatMap(({ addresses }) => texts(addresses).map((address) => ({ address, from })));
}

function endpointsAddresses(endpoints: ApiObject): ApiServerAddress[] {
  const subsets = listOf(endpoints['subsets']).filter(isRecord);
  const all = subsets.flatMap((subset) => [
    ...listOf(subset['addresses']),
    ...listOf(subset['notReadyAddresses']),
  ]);
  return texts(all.map((address) => (isRecord(address) ? address['ip'] : undefined))).map((address) => ({
    address,
    from: 'Endpoints kubernetes',
  }));
}

function clusterIps(service: ApiObject | undefined): ApiServerAddress[] {
  const spec = isRecord(service?.['spec']) ? service['spec'] : {};
  return texts([...listOf(spec['clusterIPs']), spec['clusterIP']])
    .filter((address) => address !== 'None')
    .map((address) => ({ address, from: 'Service kubernetes' }));
}

async function controlPlaneNodes(api: ApiClient, missing: string[]): Promise<Record<string, unknown>[]> {
  const nodes: Record<string, unknown>[] = [];
  let next = '';
  do {
    const query = {
      labelSelector: 'node-role.kubernetes.io/control-plane',
      limit: PAGE,
      ...(next !== '' && { continue: next }),
    };
    const page = await readOr(api, NODES, 'the nodes of the control plane', missing, query);
    nodes.push(...listOf(page?.['items']).filter(isRecord));
    const token = page?.metadata?.['continue'];
    next = typeof token === 'string' ? token : '';
  } while (next !== '');
  return nodes;
}

/** Those that are names are left out. */
function nodeAddresses(node: Record<string, unknown>): ApiServerAddress[] {
  const status = isRecord(node['status']) ? node['status'] : {};
  return listOf(status['addresses'])
    .filter(isRecord)
    .filter(({ type }) => type === 'InternalIP' || type === 'ExternalIP')
    .flatMap(({ address, type }) =>
      texts([address]).map((text) => ({ address: text, from: `Node ${nameOf(node)}, ${String(type)}` })),
    );
}

/** @returns undefined where it cannot be read, for a reason that is added to the problems */
async function readOr(
  api: ApiClient,
  path: string,
  what: string,
  problems: string[],
  query: Readonly<Record<string, string | number>> = {},
): Promise<ApiObject | undefined> {
  try {
    return await api.request('GET', path, { query });
  } catch (error) {
    // Without an answer, or without credentials, nothing else can be read either.
    if (!(error instanceof ApiError) || error.status === 401)
      throw new AddressesUnknownError(reasonOf(error), { cause: error });
    problems.push(`${what} cannot be read: ${error.message}`);
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof ApiError)
    return `the API server does not accept the credentials (${error.status}): ${error.message}`;
  // Of several addresses that were tried, Node.js gives the reasons in a list, and no message.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const text = first instanceof Error ? first.message : String(first);
  return `the API server cannot be asked: ${text.split('\n')[0] ?? ''}`;
}

function nameOf(object: Record<string, unknown>): string {
  const { metadata } = object as ApiObject;
  return String(metadata?.name);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function texts(values: unknown): string[] {
  return listOf(values).filter((value) => typeof value === 'string' && value !== '') as string[];
}
