import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUILTIN_POLICIES } from '../policy/builtin.generated.js';
import { loadPolicyPath } from '../policy/load.js';
import type { NamespaceFacts } from '../policy/namespace.js';
import { loadNamespacesFile } from '../policy/namespacesFile.js';
import { NamespacesError } from '../policy/namespacesError.js';
import { overByName, type Policy } from '../policy/policy.js';
import { PolicyError } from '../policy/policyError.js';
import { StandalonePlans } from '../policy/standalonePlans.js';
import { readManifests } from '../preview/manifests.js';
import { DEFAULT_NAMESPACE } from '../preview/preview.js';
import { previewFile, type FilePreview } from '../preview/previewFile.js';
import { YamlEditError } from '../preview/yamlEditError.js';
import { sourceProblems } from './manifestSources.js';
import {
  EXPECTED_FILE,
  EXPECTED_WARNINGS_FILE,
  INPUT_FILE,
  NAMESPACE_FILE,
  POLICY_FILE,
  type PolicyTestCase,
} from './policyTestCases.js';
import { putFile } from './putFile.js';
import { NotReplaceable } from './replaceFile.js';
import { systemReason } from './systemReason.js';
import { textDiff } from './textDiff.js';

export interface PolicyTestSettings {
  /** Writes the expected files instead of comparing with them. */
  readonly update: boolean;
  /** Milliseconds since 1970, by which exceptions expire. */
  readonly clock: () => number;
}

/** What came of one test. */
export interface PolicyTestOutcome {
  readonly test: PolicyTestCase;
  readonly seconds: number;
  /** `policy default, enforce`; undefined where it could not be found out. */
  readonly plan?: string | undefined;
  /** Why it could not be run, one line each. */
  readonly errors: readonly string[];
  readonly failures: readonly PolicyTestFailure[];
  /** The paths of the expected files that were written. */
  readonly written: readonly string[];
}

/** Something that is not as expected. */
export interface PolicyTestFailure {
  /** One line. */
  readonly message: string;
  /** A unified diff, from what was expected to what is. */
  readonly diff: string;
}

/** Runs one test. What is wrong with its files is among the errors of the outcome. */
export async function runPolicyTest(
  test: PolicyTestCase,
  settings: PolicyTestSettings,
): Promise<PolicyTestOutcome> {
  const start = performance.now();
  const errors: string[] = [];
  const result = await attempt(test, settings, errors);
  const seconds = (performance.now() - start) / 1000;
  return { test, seconds, errors, failures: [], written: [], ...result };
}

async function attempt(
  test: PolicyTestCase,
  { update, clock }: PolicyTestSettings,
  errors: string[],
): Promise<Pick<PolicyTestOutcome, 'plan' | 'failures' | 'written'> | undefined> {
  const policies = readPolicies(test, errors);
  const namespaces = readNamespace(test, errors);
  if (errors.length > 0) return undefined;
  const plans = new StandalonePlans({ policies, namespaces, clock });
  const [namespace] = namespaces?.keys() ?? [DEFAULT_NAMESPACE];
  const path = join(test.folder, INPUT_FILE);
  try {
    const file = readManifests(readFileSync(path), { file: path });
    const hardened = await previewFile(file, { namespace }, plans);
    const unused = unusedPolicy(test, hardened);
    if (unused !== undefined) errors.push(unused);
    const first = hardened.previews[0]?.result ?? plans.planFor(namespace ?? DEFAULT_NAMESPACE);
    const plan = `policy ${first.policy}, ${first.mode}`;
    if (errors.length > 0) return { plan, failures: [], written: [] };
    const expectations = expectationsOf(test, hardened);
    return update
      ? { plan, failures: [], written: write(expectations, errors) }
      : { plan, failures: compare(expectations), written: [] };
  } catch (error) {
    errors.push(
      ...(error instanceof YamlEditError
        ? [`${path}: ${error.message}`]
        : sourceProblems(error, { path, name: path })),
    );
    return undefined;
  }
}

function readPolicies({ policyFiles }: PolicyTestCase, errors: string[]): Policy[] {
  const layers = policyFiles.map((file) => attemptRead(file, loadPolicyPath, errors) ?? []);
  return overByName(BUILTIN_POLICIES, ...layers);
}

/** @returns the one namespace; undefined where the test has none: then every namespace is `enforce` */
function readNamespace(
  { folder }: PolicyTestCase,
  errors: string[],
): ReadonlyMap<string, NamespaceFacts> | undefined {
  const path = join(folder, NAMESPACE_FILE);
  if (!existsSync(path)) return undefined;
  const namespaces = attemptRead(path, loadNamespacesFile, errors);
  if (namespaces !== undefined && namespaces.size !== 1)
    errors.push(`${path}: expected one Namespace, found ${namespaces.size}; each has a test of its own`);
  return namespaces;
}

/** Both loaders say file, line and field themselves. */
function attemptRead<T>(path: string, load: (path: string) => T, errors: string[]): T | undefined {
  try {
    return load(path);
  } catch (error) {
    const isOurs = error instanceof PolicyError || error instanceof NamespacesError;
    errors.push(...(isOurs ? error.message.split('\n') : [`${path}: ${systemReason(error)}`]));
    return undefined;
  }
}

/** A policy beside the input that never applies means another test than the one that is run. */
function unusedPolicy(
  { folder, policyFiles }: PolicyTestCase,
  { previews }: FilePreview,
): string | undefined {
  const own = policyFiles.at(-1);
  if (own !== join(folder, POLICY_FILE) || previews.length === 0) return undefined;
  const names = loadPolicyPath(own).map(({ name }) => name);
  const applied = [...new Set(previews.map(({ result }) => result.policy))];
  if (applied.some((name) => names.includes(name))) return undefined;
  return (
    `${own}: policy ${names.join(', ')} does not apply, ${applied.join(', ')} does: ` +
    `choose it in ${NAMESPACE_FILE} by the label kube-harden.io/policy`
  );
}

interface Expectation {
  readonly path: string;
  /** Undefined where there is no such file. */
  readonly expected: string | undefined;
  readonly actual: string;
}

/** Those that the test has; one without any is asked for the manifests. @throws YamlEditError or a system error */
function expectationsOf({ folder }: PolicyTestCase, hardened: FilePreview): Expectation[] {
  const all = [
    { path: join(folder, EXPECTED_FILE), actual: () => hardened.edited().text },
    { path: join(folder, EXPECTED_WARNINGS_FILE), actual: () => warningsText(hardened) },
  ];
  const own = all.filter(({ path }) => existsSync(path));
  return (own.length > 0 ? own : all.slice(0, 1)).map(({ path, actual }) => ({
    path,
    expected: existsSync(path) ? readFileSync(path, 'utf8') : undefined,
    actual: actual(),
  }));
}

/** What an API server would tell, object after object: warnings, and the message of a refusal. */
function warningsText({ previews }: FilePreview): string {
  return previews
    .flatMap(({ result: { warnings, message } }) => [...warnings, ...(message === null ? [] : [message])])
    .map((line) => `${line}\n`)
    .join('');
}

function compare(expectations: readonly Expectation[]): PolicyTestFailure[] {
  return expectations.flatMap(({ path, expected, actual }) => {
    if (expected === undefined) {
      const message = `there is no ${EXPECTED_FILE} and no ${EXPECTED_WARNINGS_FILE}: write one, or let --update write ${EXPECTED_FILE}, and read it`;
      return [{ message, diff: '' }];
    }
    if (isSame(path, expected, actual)) return [];
    return [{ message: `${path} differs`, diff: textDiff(path, expected, actual) }];
  });
}

/** Manifests byte for byte; warnings line by line, for an editor or git may end lines as it likes. */
function isSame(path: string, expected: string, actual: string): boolean {
  if (!path.endsWith(EXPECTED_WARNINGS_FILE)) return expected === actual;
  const lines = (text: string): string => text.replaceAll('\r\n', '\n').replace(/\n$/, '');
  return lines(expected) === lines(actual);
}

function write(expectations: readonly Expectation[], errors: string[]): string[] {
  return expectations.flatMap(({ path, expected, actual }) => {
    if (expected !== undefined && isSame(path, expected, actual)) return [];
    try {
      putFile(path, actual);
      return [path];
    } catch (error) {
      const reason = error instanceof NotReplaceable ? error.message : systemReason(error);
      errors.push(`${path}: not written: ${reason}`);
      return [];
    }
  });
}
