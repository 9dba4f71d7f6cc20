import type { Dirent, Stats } from 'node:fs';
import { readFileSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import { Option } from 'commander';
import { ManifestError, type ManifestIssue } from '../preview/manifestError.js';
import type { ManifestFile } from '../preview/manifests.js';
import type { ManifestIo } from './manifestIo.js';
import { systemReason } from './systemReason.js';

/** One file of manifests that is to be read. */
export interface Source {
  /** `-` for standard input. */
  readonly path: string;
  /** As it is called in diffs and previews: from the current folder where it lies in there. */
  readonly name: string;
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

/** @throws ManifestError for what cannot be read as manifests, and a system error where it cannot be read at all */
export async function readSource({ path, name }: Source, io: ManifestIo): Promise<ManifestFile> {
  const { readManifests } = await import('../preview/manifests.js');
  const bytes = path === '-' ? await io.stdin() : readFileSync(path);
  return readManifests(bytes, { file: name });
}

/** What a source is called in messages: the path as it was given. */
export function sourcePath({ path, name }: Source): string {
  return path === '-' ? name : path;
}

/** One line for each thing that is wrong with a file. @throws what is neither a ManifestError nor a system error: a bug */
export function sourceProblems(error: unknown, source: Source): string[] {
  const file = sourcePath(source);
  if (error instanceof ManifestError) return error.issues.map((issue) => issueLine(issue, file));
  return [`${file}: ${systemReason(error)}`];
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

/** `file:line:column: field: message`. */
function issueLine({ line, column, field, message }: ManifestIssue, file: string): string {
  return [[file, line, column].filter((part) => part !== undefined).join(':'), field, message]
    .filter((part) => part !== undefined && part !== '')
    .join(': ');
}
