import { readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { systemReason } from './systemReason.js';

/** One golden test: a folder that holds `input.yaml`. */
export interface PolicyTestCase {
  /** The folder's path, from where the command is called: what the test is called. */
  readonly folder: string;
  /** The `policy.yaml` files that hold for it: those of the folders above first, its own last. */
  readonly policyFiles: readonly string[];
}

export const POLICY_FILE = 'policy.yaml';
export const NAMESPACE_FILE = 'namespace.yaml';
export const INPUT_FILE = 'input.yaml';
export const EXPECTED_FILE = 'expected.yaml';
export const EXPECTED_WARNINGS_FILE = 'expected-warnings.txt';

const NAMES = [POLICY_FILE, NAMESPACE_FILE, INPUT_FILE, EXPECTED_FILE, EXPECTED_WARNINGS_FILE];
/** What looks like one of these files and is none: it would be passed over in silence, and a test hold less than it seems. */
const STRAY = /^(?:(?:policy|namespace|input)\.(?:yml|json)|expected[\w.-]*\.(?:ya?ml|json|txt))$/;
/** Folders that hold nobody's tests, and much else. */
const PASSED_OVER = new Set(['.git', 'node_modules']);

/**
 * The tests of a folder and of the folders in it, in the order of their paths, each folder once.
 *
 * @param problems what cannot be read, and files with a name that no test has, one line each
 */
export function findPolicyTests(root: string, problems: string[]): PolicyTestCase[] {
  const found = look(root, problems, () => {
    if (statSync(root).isDirectory()) return testsIn(root, [], new Set(), problems);
    problems.push(`${root}: not a folder; a test is a folder with an ${INPUT_FILE}`);
    return [];
  });
  if (found?.length === 0 && problems.length === 0)
    problems.push(`${root}: no tests found: a test is a folder with an ${INPUT_FILE}`);
  return found ?? [];
}

/** @param open the folders that have been looked at, by their true paths: a link may lead back to one of them */
function testsIn(
  folder: string,
  inherited: readonly string[],
  open: Set<string>,
  problems: string[],
): PolicyTestCase[] {
  const names = look(folder, problems, () => {
    const place = realpathSync(folder);
    if (open.has(place)) return [];
    open.add(place);
    return readdirSync(folder).sort();
  });
  if (names === undefined) return [];
  for (const name of names.filter((candidate) => STRAY.test(candidate) && !NAMES.includes(candidate)))
    problems.push(`${join(folder, name)}: no test has a file of this name; known: ${NAMES.join(', ')}`);
  const policyFiles = names.includes(POLICY_FILE) ? [...inherited, join(folder, POLICY_FILE)] : inherited;
  const own = names.includes(INPUT_FILE) ? [{ folder, policyFiles }] : [];
  const below = names
    .filter((name) => !PASSED_OVER.has(name))
    .map((name) => join(folder, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory())
    .flatMap((path) => testsIn(path, policyFiles, open, problems));
  return [...own, ...below];
}

function look<T>(path: string, problems: string[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    problems.push(`${path}: ${systemReason(error)}`);
    return undefined;
  }
}
