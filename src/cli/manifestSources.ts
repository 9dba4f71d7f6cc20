import type { Dirent, Stats } from 'node:fs';
import { readFileSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import { Option } from 'commander';
import { ManifestError, type ManifestIssue } from '../preview/manifestError.js';
import type { ManifestFile } from '../preview/manifests.js';
import type { ManifestIo } from './manifestIo.js';
import { systemReason } from './systemReason.js';

/** One file of manifests that is to be read, or what a kustomization builds to. */
export interface Source {
  /** `-` for standard input. */
  readonly path: string;
  /** As it is called in diffs and previews: from the current folder where it lies in there. */
  readonly name: string;
  /** Of a kustomization: what was built. Its lines are those of the build, which is no file. */
  readonly built?: Uint8Array;
}

/** What a command was told to read. */
export interface ManifestInput {
  /** As given to `-f`. */
  readonly filename?: readonly string[] | undefined;
  /** As given to `-k`, which stands alone, as with kubectl. */
  readonly kustomize?: string | undefined;
}

/** `-f`, which every command that reads manifests has. */
export function filenameOption(): Option {
  return new Option(
    '-f, --filename <file|dir|->',
    'YAML or JSON: a file, a folder with the *.yaml, *.yml and *.json files in it and in the folders in it, or - for standard input; may be repeated',
  )
    .makeOptionMandatory()
    .argParser((path: string, before: string[] | undefined) => [...(before ?? []), path]);
}

/** `-k`, of the commands that read manifests and write none. */
export function kustomizeOption(): Option {
  return new Option(
    '-k, --kustomize <dir>',
    'a kustomization, built with kubectl kustomize, or kustomize build where there is no kubectl; instead of files',
  );
}

/**
 * Every source that a command was told to read; a kustomization is built.
 *
 * @param problems what cannot be found, read or built is added here, one line each
 */
export async function allSources(
  { filename = [], kustomize }: ManifestInput,
  io: ManifestIo,
  problems: string[],
): Promise<Source[]> {
  if (kustomize === undefined) return manifestSources(filename, problems);
  if (filename.length > 0) {
    problems.push('-k: a kustomization stands alone; files (-f) go without it');
    return [];
  }
  const { kustomizeBuild, KustomizeError } = await import('./kustomize.js');
  try {
    const { bytes, notes } = await kustomizeBuild(kustomize);
    for (const note of notes) io.stderr(`-k ${kustomize}: ${note}\n`);
    return [{ path: kustomize, name: `${nameOf(kustomize)} (kustomize)`, built: bytes }];
  } catch (error) {
    if (!(error instanceof KustomizeError)) throw error;
    problems.push(`-k ${kustomize}: ${error.message}`);
    return [];
  }
}

/**
 * The files that `-f` names, each once, also where several paths or links lead to it.
 *
 * @param problems what cannot be found or read is added here, one line each
 */
export function manifestSources(paths: readonly string[], problems: string[]): Source[] {
  const files = new Set<string>();
  const isNew = (path: string): boolean => {
    const file = realpathSync(path);
    return !files.has(file) && files.add(file).size > 0;
  };
  return [...new Set(paths)].flatMap((path) => {
    if (path === '-') return [{ path, name: 'stdin' }];
    try {
      if (!statSync(path).isDirectory()) return isNew(path) ? [{ path, name: nameOf(path) }] : [];
      const before = problems.length;
      const found = filesIn(path, new Set(), problems);
      if (found.length === 0 && problems.length === before)
        problems.push(`${path}: no *.yaml, *.yml or *.json file in this folder`);
      return found.filter(isNew).map((file) => ({ path: file, name: nameOf(file) }));
    } catch (error) {
      problems.push(`${path}: ${systemReason(error)}`);
      return [];
    }
  });
}

/** @throws a system error where it cannot be read */
export async function sourceBytes({ path, built }: Source, io: ManifestIo): Promise<Uint8Array> {
  return built ?? (path === '-' ? io.stdin() : readFileSync(path));
}

/** @throws ManifestError for what cannot be read as manifests, and a system error where it cannot be read at all */
export async function readSource(source: Source, io: ManifestIo): Promise<ManifestFile> {
  const { readManifests } = await import('../preview/manifests.js');
  return readManifests(await sourceBytes(source, io), { file: source.name });
}

/** What a source is called in messages: the path as it was given. */
export function sourcePath({ path, name, built }: Source): string {
  return path === '-' || built ? name : path;
}

/**
 * One line for each thing that is wrong with a file.
 *
 * @param bytes what was read of it, where it could be: a chart's output says from which template a document comes
 * @throws what is neither a ManifestError nor a system error: a bug
 */
export function sourceProblems(error: unknown, source: Source, bytes?: Uint8Array): string[] {
  const file = sourcePath(source);
  if (!(error instanceof ManifestError)) return [`${file}: ${systemReason(error)}`];
  const lines = bytes === undefined ? [] : Buffer.from(bytes).toString('utf8').split('\n');
  const notRendered = helmInstallProblem(lines);
  if (notRendered !== undefined) return [`${file}: ${notRendered}`];
  return error.issues.map((issue) => issueLine(issue, file, chartTemplate(lines, issue.line)));
}

/** `helm install --dry-run` prints a release's status, its hooks and its notes around the manifests. */
function helmInstallProblem(lines: readonly string[]): string | undefined {
  const isStatus = lines[0]?.startsWith('NAME: ') === true && lines.includes('MANIFEST:');
  return isStatus
    ? 'this is what helm install prints, and no manifests alone; pipe helm template instead'
    : undefined;
}

/**
 * The template that a document of `helm template` comes from, by its comment.
 *
 * @param line from 1, in the document
 */
function chartTemplate(lines: readonly string[], line: number | undefined): string | undefined {
  for (let index = (line ?? 0) - 1; index >= 0; index--) {
    const text = lines[index] ?? '';
    const template = /^# Source: (\S+)\s*$/.exec(text)?.[1];
    if (template !== undefined || /^---(?:\s|$)/.test(text)) return template;
  }
  return undefined;
}

const MANIFEST = /\.(?:ya?ml|json)$/;
/** Folders that hold no manifests of the author's, and much else. */
const PASSED_OVER = new Set(['.git', 'node_modules']);

/** @param open the folders that have been looked at, by their true paths: a link may lead back to one of them */
function filesIn(folder: string, open: Set<string>, problems: string[]): string[] {
  const entries = tried(folder, problems, () => {
    const place = realpathSync(folder);
    if (open.has(place)) return [];
    open.add(place);
    return readdirSync(folder, { withFileTypes: true });
  });
  const byName = (a: Dirent, b: Dirent): number => (a.name < b.name ? -1 : 1);
  return (entries ?? []).sort(byName).flatMap((entry) => {
    const path = join(folder, entry.name);
    const kind = entry.isSymbolicLink() ? targetOf(path, problems) : entry;
    if (kind?.isDirectory() === true) return PASSED_OVER.has(entry.name) ? [] : filesIn(path, open, problems);
    return kind?.isFile() === true && MANIFEST.test(entry.name) ? [path] : [];
  });
}

/** What a link leads to. One that leads nowhere is nobody's manifest unless it is called like one. */
function targetOf(path: string, problems: string[]): Stats | undefined {
  return tried(path, MANIFEST.test(path) ? problems : [], () => statSync(path));
}

function tried<T>(path: string, problems: string[], look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    problems.push(`${path}: ${systemReason(error)}`);
    return undefined;
  }
}

/** `patch` takes no path that leads out of the folder it is called in. */
function nameOf(path: string): string {
  const fromHere = relative(process.cwd(), path);
  const isInside = fromHere !== '' && !fromHere.startsWith('..') && !isAbsolute(fromHere);
  return (isInside ? fromHere : path.replace(/^(?:\.{0,2}[\\/])+/, '')).split(sep).join('/');
}

/** `file:line:column: field: message`, and of a chart's template `file:line:column (template): field: message`. */
function issueLine(
  { line, column, field, message }: ManifestIssue,
  file: string,
  template: string | undefined,
): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  return [template === undefined ? place : `${place} (${template})`, field, message]
    .filter((part) => part !== undefined && part !== '')
    .join(': ');
}
