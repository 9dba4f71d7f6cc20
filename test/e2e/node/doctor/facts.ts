import type { Json } from '../../controlPlane/apiClient.js';
import { world } from '../../support/world.js';
import type { BrokenWorkload } from './combination.js';

/** What the doctor reads of a pod, in JSON: a PodFacts whose logs are an object. */
export interface RecordedFacts {
  readonly pod: Json;
  readonly author?: { readonly object: Json; readonly from: 'template' | 'lastApplied' };
  readonly namespaceLabels: Readonly<Record<string, string>>;
  readonly events: readonly Json[];
  readonly logs: Readonly<Record<string, { readonly current?: Log; readonly previous?: Log }>>;
}

interface Log {
  readonly lines: readonly string[];
  readonly cut: boolean;
}

const LINES = 200;
/** In bytes, so that a file stays readable. */
const LOG_MAX = 12_000;
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const CHANGED = 'kube-harden.io/changed';

/** What the cluster says of a broken workload's pod now: real bytes, without the fields that nobody looks at. */
export async function recordFacts(
  namespace: string,
  { target, pod: name }: BrokenWorkload & { readonly pod: string },
): Promise<RecordedFacts> {
  const get = async (path: string): Promise<Json> => (await world().controlPlane.api('GET', path)).body;
  const pod = await get(`/api/v1/namespaces/${namespace}/pods/${name}`);
  delete pod.metadata.managedFields;
  const events = await get(
    `/api/v1/namespaces/${namespace}/events?fieldSelector=involvedObject.name%3D${name}`,
  );
  const [kind, owner] = target.split('/');
  const template =
    kind === 'deploy'
      ? (await get(`/apis/apps/v1/namespaces/${namespace}/deployments/${owner}`)).spec.template
      : undefined;
  const { metadata } = await get(`/api/v1/namespaces/${namespace}`);
  return {
    pod,
    ...authorOf(pod, template),
    namespaceLabels: metadata.labels,
    events: events.items.map((event: Json) => ({
      type: event.type,
      reason: event.reason,
      message: event.message,
      fieldPath: event.involvedObject.fieldPath,
      count: event.count,
      lastSeen: Date.parse(event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp),
    })),
    logs: await logsOf(namespace, pod),
  };
}

function authorOf(pod: Json, template: Json): Pick<RecordedFacts, 'author'> {
  const { [LAST_APPLIED]: applied, ...annotations } = pod.metadata.annotations ?? {};
  annotations[CHANGED] = undefined;
  const metadata = { ...pod.metadata, annotations };
  const object = (spec: Json): Json => ({ apiVersion: 'v1', kind: 'Pod', metadata, spec });
  if (template !== undefined) return { author: { object: object(template.spec), from: 'template' } };
  if (applied === undefined) return {};
  return { author: { object: object(JSON.parse(applied as string).spec), from: 'lastApplied' } };
}

async function logsOf(namespace: string, pod: Json): Promise<RecordedFacts['logs']> {
  const { spec } = pod;
  const lists = [spec.initContainers, spec.containers, spec.ephemeralContainers];
  const names: string[] = lists.flatMap((list) => (list ?? []).map((container: Json) => container.name));
  const logs: Record<string, { current?: Log; previous?: Log }> = {};
  for (const container of names) {
    const current = await logOf(namespace, pod.metadata.name, container, false);
    const previous = await logOf(namespace, pod.metadata.name, container, true);
    logs[container] = { ...(current && { current }), ...(previous && { previous }) };
  }
  return logs;
}

async function logOf(
  namespace: string,
  pod: string,
  container: string,
  previous: boolean,
): Promise<Log | undefined> {
  const { code, stdout } = await world().controlPlane.kubectl([
    ...['logs', '--namespace', namespace, pod, '--container', container],
    ...[`--tail=${LINES}`, `--previous=${previous}`],
  ]);
  if (code !== 0) return undefined;
  const lines = stdout.split('\n').slice(0, -1);
  let bytes = 0;
  const kept = lines.toReversed().filter((line) => (bytes += line.length + 1) <= LOG_MAX);
  return { lines: kept.toReversed(), cut: lines.length === LINES || kept.length < lines.length };
}
