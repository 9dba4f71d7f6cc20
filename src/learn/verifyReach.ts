import { isRecord } from '../hardening/locate.js';
import type { Container, PodSpec } from '../hardening/podSpec.js';
import { serviceAccountOf } from '../hardening/serviceAccount.js';

/**
 * What a second instance of a pod may reach and do, a line each: by names alone, never by a value. It cannot be told
 * from a pod that its program sends nothing and consumes nothing: addresses and passwords may be in its image.
 *
 * @param spec of the copy
 */
export function reachOf(spec: PodSpec): string[] {
  const init = spec.initContainers ?? [];
  const main = spec.containers ?? [];
  const all = [...init, ...main];
  const secrets = new Set<string>();
  const configMaps = new Set<string>();
  for (const container of all) fromEnvironment(container, secrets, configMaps);
  for (const volume of spec.volumes ?? []) fromVolume(volume, secrets, configMaps);
  const values = all.reduce((sum, { env }) => sum + (Array.isArray(env) ? env.length : 0), 0);
  const account = serviceAccountOf(spec);
  return [
    ...init.map((container) => `starts ${runs(container, 'init container')}`),
    ...main.map((container) => `starts ${runs(container, 'container')}`),
    'reaches every Service, queue and database that the original reaches by the network: it may consume and send',
    ...(values > 0
      ? [
          `has ${values === 1 ? 'one environment variable' : `the ${values} environment variables`} of the original`,
        ]
      : []),
    ...named('Secret', secrets),
    ...named('ConfigMap', configMaps),
    spec.automountServiceAccountToken === false
      ? `runs as service account ${account}, whose token it is not given by the pod`
      : `acts as service account ${account} towards the API server, where it has its token`,
  ];
}

function runs({ name, image }: Container, what: string): string {
  return `${what} ${name ?? ''} (${image ?? 'no image'})`;
}

function named(kind: string, names: ReadonlySet<string>): string[] {
  if (names.size === 0) return [];
  return [`reads the same ${kind}${names.size === 1 ? '' : 's'}: ${[...names].sort().join(', ')}`];
}

function fromEnvironment({ env, envFrom }: Container, secrets: Set<string>, configMaps: Set<string>): void {
  const sources: unknown[] = Array.isArray(envFrom) ? envFrom : [];
  for (const source of sources) {
    add(secrets, field(source, 'secretRef'), 'name');
    add(configMaps, field(source, 'configMapRef'), 'name');
  }
  const variables: unknown[] = Array.isArray(env) ? env : [];
  for (const variable of variables) {
    const from = field(variable, 'valueFrom');
    add(secrets, field(from, 'secretKeyRef'), 'name');
    add(configMaps, field(from, 'configMapKeyRef'), 'name');
  }
}

function fromVolume(volume: unknown, secrets: Set<string>, configMaps: Set<string>): void {
  add(secrets, field(volume, 'secret'), 'secretName');
  add(configMaps, field(volume, 'configMap'), 'name');
  const sources = field(field(volume, 'projected'), 'sources');
  for (const source of Array.isArray(sources) ? (sources as unknown[]) : []) {
    add(secrets, field(source, 'secret'), 'name');
    add(configMaps, field(source, 'configMap'), 'name');
  }
}

function field(value: unknown, name: string): unknown {
  return isRecord(value) ? value[name] : undefined;
}

function add(names: Set<string>, value: unknown, key: string): void {
  const name = field(value, key);
  // Every pod's own, of the API server's certificates.
  if (typeof name === 'string' && name !== 'kube-root-ca.crt') names.add(name);
}
