import type { ApiReply, Json } from '../controlPlane/apiClient.js';
import { eventually } from './wait.js';
import { world } from './world.js';

const POLICIES = '/apis/kube-harden.io/v1alpha1/hardeningpolicies';

export interface PodManifest {
  readonly apiVersion: 'v1';
  readonly kind: 'Pod';
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec: Readonly<Record<string, Json>>;
}

export interface Container {
  readonly name: string;
  readonly securityContext?: Readonly<Record<string, Json>>;
  readonly resources?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly env?: readonly { readonly name: string }[];
  readonly image?: string;
}

/** Of a Pod as the API server answers it, what these tests look at. */
export interface PodReply {
  readonly message?: string;
  readonly metadata: {
    readonly name: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly containers: readonly Container[];
    readonly initContainers?: readonly Container[];
    readonly ephemeralContainers?: readonly Container[];
    readonly volumes?: readonly {
      readonly name: string;
      readonly projected?: Json;
      readonly emptyDir?: Json;
    }[];
    readonly securityContext?: Readonly<Record<string, Json>>;
    readonly nodeSelector?: Readonly<Record<string, string>>;
    readonly automountServiceAccountToken?: boolean;
    readonly hostNetwork?: boolean;
  };
}

/** A pod of one container, unless `spec` says otherwise; of an image that no profile knows. */
export function podOf(name: string, spec: Readonly<Record<string, Json>> = {}): PodManifest {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { containers: [{ name: 'main', image: 'registry.example/shop/web:1' }], ...spec },
  };
}

/** Sends a pod to be created; `dryRun` (the default) admits it and keeps nothing. */
export function sendPod(
  namespace: string,
  manifest: PodManifest,
  { dryRun = true } = {},
): Promise<ApiReply<PodReply>> {
  const query = dryRun ? '?dryRun=All' : '';
  return world().controlPlane.api('POST', `/api/v1/namespaces/${namespace}/pods${query}`, manifest);
}

/** Sets labels of a namespace; null takes one away. */
export async function label(
  namespace: string,
  labels: Readonly<Record<string, string | null>>,
): Promise<void> {
  const { status, body } = await world().controlPlane.api('PATCH', `/api/v1/namespaces/${namespace}`, {
    metadata: { labels },
  });
  if (status !== 200) throw new Error(`namespace not labelled: ${JSON.stringify(body)}`);
}

/** The rules that the annotation of a changed object names. */
export function changedRules({ metadata }: PodReply): string[] {
  const text = metadata.annotations?.['kube-harden.io/changed'];
  return text === undefined ? [] : text.split(', ');
}

/** The texts of kubectl's `Warning: ` lines. */
export function warningLines(stderr: string): string[] {
  return stderr.split('\n').flatMap((line) => (line.startsWith('Warning: ') ? [line.slice(9)] : []));
}

/** Creates or replaces a HardeningPolicy and waits until every replica has read it. */
export async function putPolicy(name: string, spec: unknown): Promise<{ generation: number; ms: number }> {
  const { controlPlane } = world();
  const object = { apiVersion: 'kube-harden.io/v1alpha1', kind: 'HardeningPolicy', metadata: { name }, spec };
  const before = await controlPlane.api('GET', `${POLICIES}/${name}`);
  const begun = performance.now();
  const { status, body } =
    before.status === 404
      ? await controlPlane.api('POST', POLICIES, object)
      : await controlPlane.api('PATCH', `${POLICIES}/${name}`, { spec });
  if (status >= 300) throw new Error(`policy ${name} not taken: ${JSON.stringify(body)}`);
  const { generation } = (body as { metadata: { generation: number } }).metadata;
  await eventually(
    `generation ${generation} of policy ${name} in every replica`,
    () =>
      world().replicas.every((replica) =>
        replica
          .logs()
          .some(
            (line) =>
              (line.message === 'policy loaded' || line.message === 'policy rejected') &&
              line['policy'] === name &&
              line['generation'] === generation,
          ),
      ),
    10_000,
    100,
  );
  return { generation, ms: performance.now() - begun };
}

/** Calls for each item, `width` at a time; the answers are in the order of the items. */
export async function eachOf<T, R>(
  items: readonly T[],
  width: number,
  call: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const answers: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) {
      answers[index] = await call(items[index] as T, index);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return answers;
}
