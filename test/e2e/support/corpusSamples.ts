import { corpusWorkloads } from '../../support/corpus.js';
import { locatePod } from '../../../src/hardening/locate.js';
import type { ApiClient, ApiReply, Json } from '../controlPlane/apiClient.js';
import { makeNamespace, world } from './world.js';

/** An object of the corpus as a user would create it in a namespace of the test. */
export interface Sample {
  readonly id: string;
  readonly kind: string;
  readonly object: Json;
}

/** What an API server writes into an object that it has; a manifest that was read from a cluster still holds it. */
const SERVER_FIELDS = [
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
  'managedFields',
  'namespace',
  'resourceVersion',
  'selfLink',
  'uid',
];

export function corpusSamples(): Sample[] {
  return corpusWorkloads().map(({ id, object }) => {
    const { ...rest }: Json = object;
    delete rest.status;
    const metadata = Object.fromEntries(
      Object.entries<Json>(rest.metadata ?? {}).filter(([field]) => !SERVER_FIELDS.includes(field)),
    );
    // Pod Security's own fixtures are named for checks that have an underscore, and no object may be.
    if (typeof metadata.name === 'string') metadata.name = metadata.name.replaceAll('_', '-');
    // Not on create: they come later, by a subresource of their own.
    if (object.kind === 'Pod') delete rest.spec?.ephemeralContainers;
    return { id, kind: String(object.kind), object: { ...rest, metadata } };
  });
}

const RESOURCES: Readonly<Record<string, string>> = {
  Pod: 'pods',
  Deployment: 'deployments',
  StatefulSet: 'statefulsets',
  DaemonSet: 'daemonsets',
  ReplicaSet: 'replicasets',
  ReplicationController: 'replicationcontrollers',
  Job: 'jobs',
  CronJob: 'cronjobs',
  PodTemplate: 'podtemplates',
};

/** Where objects of the kind are created: `/apis/apps/v1/namespaces/shop/deployments`. */
export function collection({ apiVersion, kind }: Json, namespace: string): string {
  const group = String(apiVersion).includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return `${group}/namespaces/${namespace}/${RESOURCES[String(kind)] ?? ''}`;
}

export function dryRun(client: ApiClient, object: Json, namespace: string): Promise<ApiReply> {
  return client.api('POST', `${collection(object, namespace)}?dryRun=All`, object);
}

/** A namespace with the ServiceAccounts that pods of the corpus name: without them they are refused anywhere. */
export async function makeCorpusNamespace(
  labels: Readonly<Record<string, string>> = {},
  annotations: Readonly<Record<string, string>> = {},
): Promise<string> {
  const namespace = await makeNamespace(labels, annotations);
  await Promise.all(
    accountsOfTheCorpus().map(async (name) => {
      const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } };
      const path = `/api/v1/namespaces/${namespace}/serviceaccounts`;
      const { status, body } = await world().controlPlane.api('POST', path, account);
      if (status !== 201) throw new Error(`not created: ${JSON.stringify(body)}`);
    }),
  );
  return namespace;
}

function accountsOfTheCorpus(): string[] {
  const names = corpusWorkloads().flatMap(({ object }) => {
    const spec = locatePod(object)?.pod.spec as Json;
    return [spec?.serviceAccountName, spec?.serviceAccount];
  });
  return [...new Set(names)].filter(
    (name): name is string => typeof name === 'string' && /^[a-z0-9-]+$/.test(name),
  );
}
