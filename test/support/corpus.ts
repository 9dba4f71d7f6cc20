/**
 * Real manifests: ../shared/corpus where it stands beside the repository, else the part of it that is copied to
 * test/fixtures/corpus (with its sources and licences).
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import type { Json } from './apiValidation.js';

const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url));
const SHARED = fileURLToPath(new URL('../../../shared/corpus/', import.meta.url));

export interface CorpusWorkload {
  /** `open/…`, `extra/…` or `psa/…`, then the file, and the object's place in it. */
  readonly id: string;
  readonly part: 'open' | 'extra' | 'psa';
  readonly object: Json;
}

const KINDS = new Set([
  'Pod',
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'ReplicaSet',
  'ReplicationController',
  'Job',
  'CronJob',
  'PodTemplate',
]);

/** Where the corpus was taken from, for a test to print. */
export function corpusSource(): string {
  return existsSync(join(SHARED, 'open.jsonl')) ? SHARED : join(FIXTURES, 'corpus');
}

/** Every workload object of the corpus, parsed anew at each call, so that a test may change what it gets. */
export function corpusWorkloads(root: string = corpusSource()): CorpusWorkload[] {
  const psa = [join(root, 'psa'), join(FIXTURES, 'psa'), join(FIXTURES, 'podSecurity')].find((path) =>
    existsSync(path),
  );
  return [
    ...openWorkloads(join(root, 'open.jsonl')),
    ...yamlWorkloads(join(root, 'extra'), 'extra'),
    ...(psa === undefined ? [] : yamlWorkloads(psa, 'psa')),
  ];
}

function openWorkloads(file: string): CorpusWorkload[] {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  return lines.flatMap((line) => {
    const { id, workload, object } = JSON.parse(line) as { id: string; workload: boolean; object: Json };
    return workload ? [{ id: `open/${id}`, part: 'open' as const, object }] : [];
  });
}

function yamlWorkloads(root: string, part: 'extra' | 'psa'): CorpusWorkload[] {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((name) => join(root, name))
    .filter((file) => /\.ya?ml$/.test(basename(file)))
    .sort();
  return files.flatMap((file) =>
    // YAML 1.1 with merge keys, as Kubernetes reads it: 0400 is 256.
    parseAllDocuments(readFileSync(file, 'utf8'), { version: '1.1', merge: true })
      .flatMap((document) => expand(document.toJS() as unknown))
      .map((object, i) => ({ id: `${part}/${relative(root, file)}#${i}`, part, object })),
  );
}

function expand(value: unknown): Json[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  const object = value as Json;
  if (object.kind === 'List' && Array.isArray(object.items)) return object.items.flatMap(expand);
  return typeof object.kind === 'string' && KINDS.has(object.kind) ? [object] : [];
}
