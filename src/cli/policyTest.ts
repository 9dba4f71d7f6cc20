import { Command } from 'commander';
import { CommandError } from './commandError.js';
import type { JunitCase } from './junit.js';
import { processIo } from './manifestIo.js';
import type { Output } from './output.js';
import { processOutput } from './output.js';
import { findPolicyTests } from './policyTestCases.js';
import type { PolicyTestOutcome } from './policyTestRun.js';
import { systemReason } from './systemReason.js';

export interface PolicyTestOptions {
  readonly update?: boolean | undefined;
  readonly junit?: string | undefined;
  readonly date?: string | undefined;
}

const PASSED = 0;
const DIFFERENT = 1;
const ERROR = 2;

const HELP = `
A test is DIR, or any folder in it, with these files:
  input.yaml             manifests
  policy.yaml            HardeningPolicies, over those of the folders above it (up to DIR) and the built-in ones by name
  namespace.yaml         the Namespace that they go to; without it: mode enforce, policy "default"
  expected.yaml          what preview -o yaml makes of them
  expected-warnings.txt  what the API server would tell their author: warnings, refusals
At least one of the last two is needed. The diff goes from what is expected to what is.
Exit status: 0 all pass (with --update: all are written), 1 some differ, 2 error.

Example: a test, its expected manifests written, and the test run
  $ mkdir -p tests/web
  $ printf '%s\\n' 'apiVersion: v1' 'kind: Pod' 'metadata: {name: web}' 'spec:' '  containers:' \\
      '  - {name: web, image: registry.example/web}' > tests/web/input.yaml
  $ kube-harden policy test tests --update
  $ kube-harden policy test tests --junit tests.xml`;

/** `kube-harden policy test`. Sets `process.exitCode`. */
export function policyTestCommand(output: Output = processOutput): Command {
  return new Command('test')
    .description('run golden tests: what a policy does to manifests is compared with what was expected')
    .argument('<dir>', 'a folder with tests')
    .option('--update', 'write the expected files that differ; expected.yaml where a test has none')
    .option('--junit <file>', 'write the results there too, as JUnit XML')
    .option(
      '--date <YYYY-MM-DD>',
      'the day (UTC) by which exceptions expire, so that tests do not fail by themselves (default: today)',
    )
    .addHelpText('after', HELP)
    .action(async (folder: string, options: PolicyTestOptions) => {
      process.exitCode = await runPolicyTests(folder, options, output);
    });
}

/**
 * Tests that can be run are, also where others cannot be.
 *
 * @returns the exit status: 0 all pass, 1 some differ, 2 error
 * @throws CommandError for an option that is wrong
 */
export async function runPolicyTests(
  folder: string,
  options: PolicyTestOptions = {},
  output: Output = processOutput,
): Promise<number> {
  const clock = clockAt(options.date);
  const colour = output === processOutput && processIo().colour;
  const problems: string[] = [];
  const tests = findPolicyTests(folder, problems);
  // Loaded here and not above: zod and yaml cost 100 ms that no other command should wait for.
  const { runPolicyTest } = await import('./policyTestRun.js');
  const outcomes: PolicyTestOutcome[] = [];
  for (const test of tests) {
    const outcome = await runPolicyTest(test, { update: options.update === true, clock });
    outcomes.push(outcome);
    output.stdout(await outcomeText(outcome, colour));
    for (const error of outcome.errors) output.stderr(`${error}\n`);
  }
  if (outcomes.length > 0) output.stdout(`${summaryLine(outcomes)}\n`);
  if (options.junit !== undefined && outcomes.length > 0)
    problems.push(...(await writeJunit(options.junit, folder, outcomes)));
  for (const problem of problems) output.stderr(`${problem}\n`);
  const states = outcomes.map(stateOf);
  if (problems.length > 0 || states.includes('ERROR')) return ERROR;
  return states.includes('FAILED') ? DIFFERENT : PASSED;
}

function clockAt(date: string | undefined): () => number {
  if (date === undefined) return Date.now;
  const time = Date.parse(`${date}T00:00:00Z`);
  if (
    !/^\d{4}-\d\d-\d\d$/.test(date) ||
    Number.isNaN(time) ||
    new Date(time).toISOString().slice(0, 10) !== date
  )
    throw new CommandError(`--date: ${JSON.stringify(date)} is not a day such as 2027-03-01`);
  return () => time;
}

type State = 'ok' | 'updated' | 'FAILED' | 'ERROR';

function stateOf({ errors, failures, written }: PolicyTestOutcome): State {
  if (errors.length > 0) return 'ERROR';
  if (failures.length > 0) return 'FAILED';
  return written.length > 0 ? 'updated' : 'ok';
}

/** @example `ok       tests/web  (policy default, enforce)` */
async function outcomeText(outcome: PolicyTestOutcome, colour: boolean): Promise<string> {
  const { colouredDiff } = await import('../preview/diff.js');
  const { test, plan, failures, written } = outcome;
  const head = `${stateOf(outcome).padEnd(8)} ${test.folder}${plan === undefined ? '' : `  (${plan})`}\n`;
  const found = failures.map(
    ({ message, diff }) => `  ${message}${diff === '' ? '' : ':'}\n${colour ? colouredDiff(diff) : diff}`,
  );
  return [head, ...found, ...written.map((path) => `  ${path} written\n`)].join('');
}

/** @example `3 tests: 2 ok, 1 FAILED` */
function summaryLine(outcomes: readonly PolicyTestOutcome[]): string {
  const counts = new Map<State, number>();
  for (const state of outcomes.map(stateOf)) counts.set(state, (counts.get(state) ?? 0) + 1);
  const parts = (['ok', 'updated', 'FAILED', 'ERROR'] as const).flatMap((state) => {
    const count = counts.get(state);
    return count === undefined ? [] : [`${count} ${state}`];
  });
  return `${outcomes.length} ${outcomes.length === 1 ? 'test' : 'tests'}: ${parts.join(', ')}`;
}

/** @returns why it could not be written */
async function writeJunit(
  path: string,
  suite: string,
  outcomes: readonly PolicyTestOutcome[],
): Promise<string[]> {
  const [{ junitXml }, { putFile }, { NotReplaceable }] = await Promise.all([
    import('./junit.js'),
    import('./putFile.js'),
    import('./replaceFile.js'),
  ]);
  try {
    putFile(path, junitXml(suite, outcomes.map(junitCase)));
    return [];
  } catch (error) {
    const reason = error instanceof NotReplaceable ? error.message : systemReason(error);
    return [`--junit: ${path}: not written: ${reason}`];
  }
}

function junitCase({ test, seconds, errors, failures }: PolicyTestOutcome): JunitCase {
  const [first] = failures;
  return {
    name: test.folder,
    seconds,
    failure: first && {
      message: failures.map(({ message }) => message).join('; '),
      text: failures.map(({ message, diff }) => `${message}\n${diff}`).join(''),
    },
    error: errors[0] === undefined ? undefined : { message: errors[0], text: errors.join('\n') },
  };
}
