import { Command, Option } from 'commander';
import { BUILTIN_POLICIES, BUILTIN_POLICY_TEXTS } from '../policy/builtin.generated.js';
import type { Policy } from '../policy/policy.js';
import type { LoadedPolicy } from '../policy/load.js';
import type { Output } from './output.js';
import { processOutput } from './output.js';
import { policyTestCommand } from './policyTest.js';

const EXAMPLE = `
Example: the built-in default policy, taken over as one of your own
  $ kube-harden policy show default > policy.yaml
  $ kube-harden policy check policy.yaml`;

/** `kube-harden policy`. Its commands set `process.exitCode`: 0, 1 where a policy is invalid, 2 where it cannot be read. */
export function policyCommand(output: Output = processOutput): Command {
  const policy = new Command('policy').description('validate, print and test HardeningPolicies');
  policy
    .command('check')
    .description('validate HardeningPolicy files, or all *.yaml, *.yml and *.json files of a folder')
    .argument('<file|dir...>', 'files and folders; each is checked by itself')
    .addHelpText(
      'after',
      `
Prints one line for each policy, or one for everything that is wrong with it: file:line: field: message.
Exit status: 0 valid, 1 invalid, 2 cannot be read.

Example: the built-in default policy as a file of your own
  $ kube-harden policy show default > policy.yaml
  $ kube-harden policy check policy.yaml`,
    )
    .action(async (paths: string[]) => {
      process.exitCode = await runPolicyCheck(paths, output);
    });
  policy
    .command('show')
    .description('print a policy: a built-in one (baseline, default, restricted), or one of your own')
    .argument('<name>', "the policy's name")
    .addOption(
      new Option('-o, --output <format>', 'yaml: as it is written; json: with all defaults filled in')
        .choices(['yaml', 'json'])
        .default('yaml'),
    )
    .option('--policy-file <file|dir>', 'look there first, then among the built-in ones')
    .addHelpText(
      'after',
      `
Exit status: 0, or 2 where there is no such policy or the file cannot be used.

Example: a built-in policy with its comments, and one with all its defaults
  $ kube-harden policy show restricted
  $ kube-harden policy show baseline -o json`,
    )
    .action(async (name: string, options: PolicyShowOptions) => {
      process.exitCode = await runPolicyShow(name, options, output);
    });
  return policy.addCommand(policyTestCommand(output)).addHelpText('after', EXAMPLE);
}

/** @returns the exit status: 0, 1 where a policy is invalid, 2 where a file cannot be read */
export async function runPolicyCheck(
  paths: readonly string[],
  output: Output = processOutput,
): Promise<number> {
  // Loaded here and not above: zod and yaml cost 100 ms that no other command should wait for.
  const { loadPolicyTexts } = await import('../policy/load.js');
  let status = 0;
  for (const path of paths) {
    try {
      for (const loaded of loadPolicyTexts(path)) output.stdout(summary(loaded));
    } catch (error) {
      status = Math.max(status, await reportError(error, path, output));
    }
  }
  return status;
}

/** @returns 1 for policies that are invalid, 2 for a file that cannot be read */
async function reportError(error: unknown, path: string, output: Output): Promise<number> {
  const { PolicyError, issueText } = await import('../policy/policyError.js');
  if (error instanceof PolicyError) {
    for (const issue of error.issues) output.stderr(`${issueText(issue)}\n`);
    const { policyFiles } = await import('../policy/load.js');
    // Of a folder without a file nothing has been checked.
    return policyFiles(path).length === 0 ? 2 : 1;
  }
  if (!(error instanceof Error && 'code' in error)) throw error;
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file or folder',
    EACCES: 'no permission to read it',
  };
  output.stderr(`${path}: ${reasons[String(error.code)] ?? error.message}\n`);
  return 2;
}

function summary({ policy, source }: LoadedPolicy): string {
  const counts = new Map<string, number>();
  for (const { action } of Object.values(policy.rules)) counts.set(action, (counts.get(action) ?? 0) + 1);
  counts.delete('Disabled');
  const parts = [...counts].map(([action, count]) => `${String(count)} ${action}`);
  if (policy.imageProfiles.length > 0) parts.push(plural(policy.imageProfiles.length, 'image profile'));
  if (policy.exceptions.length > 0) parts.push(plural(policy.exceptions.length, 'exception'));
  return `${source ?? policy.name}: policy ${policy.name} is valid: ${parts.join(', ') || 'every rule is Disabled'}\n`;
}

const plural = (count: number, noun: string): string => `${String(count)} ${noun}${count === 1 ? '' : 's'}`;

export interface PolicyShowOptions {
  readonly output?: 'yaml' | 'json' | undefined;
  readonly policyFile?: string | undefined;
}

/** @returns the exit status: 0, or 2 where there is no such policy or the file cannot be used */
export async function runPolicyShow(
  name: string,
  { output: format = 'yaml', policyFile }: PolicyShowOptions,
  output: Output = processOutput,
): Promise<number> {
  let own: readonly LoadedPolicy[] = [];
  if (policyFile !== undefined) {
    const { loadPolicyTexts } = await import('../policy/load.js');
    try {
      own = loadPolicyTexts(policyFile);
    } catch (error) {
      await reportError(error, policyFile, output);
      return 2;
    }
  }
  const all = [...own, ...builtins()];
  const found = all.find(({ policy }) => policy.name === name);
  if (!found) {
    const { suggestion } = await import('../policy/didYouMean.js');
    const names = [...new Set(all.map(({ policy }) => policy.name))];
    output.stderr(`there is no policy "${name}" among ${names.join(', ')}${suggestion(name, names)}\n`);
    return 2;
  }
  const text = format === 'json' ? JSON.stringify(document(found.policy), null, 2) : found.text;
  output.stdout(text.endsWith('\n') ? text : `${text}\n`);
  return 0;
}

function builtins(): LoadedPolicy[] {
  return BUILTIN_POLICIES.map((policy) => ({ policy, text: BUILTIN_POLICY_TEXTS[policy.name] ?? '' }));
}

/** A policy as the document that loads to it. */
function document({ name, rules, ...spec }: Policy): Record<string, unknown> {
  const entries = Object.entries(rules).map(([id, { action, optOut, settings }]) => [
    id,
    { action, optOut, ...settings },
  ]);
  return {
    apiVersion: 'kube-harden.io/v1alpha1',
    kind: 'HardeningPolicy',
    metadata: { name },
    spec: { ...spec, rules: Object.fromEntries(entries) as unknown },
  };
}
