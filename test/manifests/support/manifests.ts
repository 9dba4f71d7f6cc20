import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

export const MANIFESTS = fileURLToPath(new URL('../../../manifests', import.meta.url));

/** An object of a manifest, read as loosely as YAML is: tests ask for what they expect to be there. */
export interface Manifest {
  readonly file: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Meta;
  readonly [field: string]: unknown;
}

export interface Meta {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface Kustomization {
  readonly resources?: readonly string[];
  readonly components?: readonly string[];
  readonly patches?: readonly { readonly path: string }[];
}

/** Every file below manifests/ that ends so, by its path there. Those of helm are no YAML before it has rendered them. */
export function filesEndingIn(...endings: readonly string[]): string[] {
  return readdirSync(MANIFESTS, { recursive: true, encoding: 'utf8' })
    .filter((file) => !file.startsWith('chart/templates/'))
    .filter((file) => endings.some((ending) => file.endsWith(ending)))
    .sort();
}

/** The documents of a file, as Kubernetes reads YAML (1.1: 0440 is octal). Throws where one does not parse. */
export function documentsOf(file: string): unknown[] {
  const text = readFileSync(join(MANIFESTS, file), 'utf8');
  return parseAllDocuments(text, { version: '1.1', uniqueKeys: true }).map((document) => {
    const [problem] = [...document.errors, ...document.warnings];
    if (problem) throw new Error(`${file}: ${problem.message}`, { cause: problem });
    return document.toJS() as unknown;
  });
}

export function kustomizationOf(folder: string): Kustomization {
  return documentsOf(join(folder, 'kustomization.yaml'))[0] as Kustomization;
}

/**
 * What kustomize makes of a folder with these components beside it: its resources, and over them the patches. No more
 * of kustomize than our manifests use, so that this needs no kubectl; e2e asks the real one.
 */
export function build(folder: string, components: readonly string[] = []): Manifest[] {
  const built = [folder, ...components].flatMap((each) => resourcesOf(each));
  for (const each of [folder, ...components]) {
    for (const { path } of kustomizationOf(each).patches ?? []) {
      for (const patch of manifestsOf(join(each, path))) {
        const index = built.findIndex((object) => idOf(object) === idOf(patch));
        const target = built[index];
        if (!target) throw new Error(`${patch.file} patches ${idOf(patch)}, which is not there`);
        built[index] = { ...(merged(target, patch) as Manifest), file: target.file };
      }
    }
  }
  return built;
}

/** The one object of this kind and name. */
export function find(objects: readonly Manifest[], kind: string, name = 'kube-harden', namespace?: string): Manifest {
  const found = objects.filter(
    (object) =>
      object.kind === kind &&
      object.metadata.name === name &&
      (namespace === undefined || object.metadata.namespace === namespace),
  );
  const [first] = found;
  if (!first || found.length > 1) throw new Error(`${String(found.length)} objects ${kind} ${name}`);
  return first;
}

export function idOf({ apiVersion, kind, metadata }: Manifest): string {
  return [apiVersion, kind, metadata.namespace ?? '', metadata.name].join(' ');
}

function resourcesOf(folder: string): Manifest[] {
  return (kustomizationOf(folder).resources ?? []).flatMap((resource) => {
    const path = relative(MANIFESTS, join(MANIFESTS, folder, resource));
    return path.endsWith('.yaml') ? manifestsOf(path) : resourcesOf(path);
  });
}

function manifestsOf(file: string): Manifest[] {
  return documentsOf(file).map((object) => ({ ...(object as Manifest), file }));
}

/** The keys by which a strategic merge finds an element of a list, for the lists that our patches name. */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  containers: 'name',
  env: 'name',
  ports: 'containerPort',
  volumes: 'name',
  volumeMounts: 'mountPath',
  webhooks: 'name',
};

function merged(base: unknown, patch: unknown, field = ''): unknown {
  if (Array.isArray(patch)) {
    const key = MERGE_KEYS[field];
    if (key === undefined) throw new Error(`no merge key known for ${field}`);
    const result = Array.isArray(base) ? [...(base as unknown[])] : [];
    for (const element of patch as Record<string, unknown>[]) {
      const index = result.findIndex((other) => (other as Record<string, unknown>)[key] === element[key]);
      if (index < 0) result.push(element);
      else result[index] = merged(result[index], element);
    }
    return result;
  }
  if (typeof patch !== 'object' || patch === null) return patch;
  const result: Record<string, unknown> = { ...(base as Record<string, unknown> | undefined) };
  for (const [key, value] of Object.entries(patch)) result[key] = merged(result[key], value, key);
  return result;
}
