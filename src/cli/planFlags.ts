import type { Command } from 'commander';
import type { Policy } from '../policy/policy.js';
import type { PreviewChoices } from '../preview/choices.js';
import type { PreviewPlans } from '../preview/previewFile.js';
import { systemReason } from './systemReason.js';

/** The flags that say which policy applies, and to which namespace. */
export interface PlanFlags {
  readonly namespace?: string | undefined;
  readonly policy?: string | undefined;
  readonly policyFile?: string | undefined;
  readonly namespacesFile?: string | undefined;
  readonly mode?: string | undefined;
  readonly label?: readonly string[] | undefined;
  readonly podSecurityVersion?: string | undefined;
}

/** Gives a command these flags, but for `--pod-security-version`, which not every command has a use for. */
export function addPlanFlags(command: Command): Command {
  const repeat = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];
  return command
    .option('-n, --namespace <name>', 'the namespace of objects that name none (default: "default")')
    .option('--policy <name>', 'the policy to apply, whatever the namespace says')
    .option('--policy-file <file|dir>', 'HardeningPolicies, over the built-in ones by name')
    .option('--namespaces-file <file>', 'a List of Namespaces with their labels; without it all are enforce')
    .option('--mode <mode>', 'enforce, audit or disabled, whatever the namespace says')
    .option('--label <key=value>', 'a label that the namespace shall have; may be repeated', repeat);
}

/** What the flags say, read and checked. */
export interface PlanSettings {
  readonly plans: PreviewPlans;
  readonly choices: PreviewChoices;
}

/**
 * The built-in policies, those of `--policy-file` over them, the namespaces, and the choices among them.
 *
 * @param problems what is wrong with the flags and their files is added here, one line each
 * @returns undefined where something is wrong
 */
export async function loadPlanSettings(
  flags: PlanFlags,
  problems: string[],
): Promise<PlanSettings | undefined> {
  const [{ BUILTIN_POLICIES }, { StandalonePlans }, { loadNamespacesFile }, { overByName }] =
    await Promise.all([
      import('../policy/builtin.generated.js'),
      import('../policy/standalonePlans.js'),
      import('../policy/namespacesFile.js'),
      import('../policy/policy.js'),
    ]);
  const { namespacesFile } = flags;
  const before = problems.length;
  const own = await loadOwnPolicies(flags, problems);
  const namespaces =
    namespacesFile === undefined
      ? undefined
      : read('--namespaces-file', namespacesFile, loadNamespacesFile, problems);
  if (!own || problems.length > before) return undefined;
  const policies = overByName(BUILTIN_POLICIES, own);
  const choices = await loadChoices(flags, policies, problems);
  return choices && { plans: new StandalonePlans({ policies, namespaces, clock: Date.now }), choices };
}

/** The policies of `--policy-file`. @returns undefined where they cannot be read: the problems say why */
export async function loadOwnPolicies(
  { policyFile }: PlanFlags,
  problems: string[],
): Promise<readonly Policy[] | undefined> {
  if (policyFile === undefined) return [];
  const { loadPolicyPath } = await import('../policy/load.js');
  return read('--policy-file', policyFile, loadPolicyPath, problems);
}

/** What the flags choose among these policies. @returns undefined where it is wrong: the problems say why */
export async function loadChoices(
  flags: PlanFlags,
  policies: readonly Pick<Policy, 'name'>[],
  problems: string[],
): Promise<PreviewChoices | undefined> {
  const { readChoices } = await import('../preview/choices.js');
  const result = readChoices(
    { ...flags, labels: flags.label ?? [] },
    policies.map(({ name }) => name),
  );
  if ('choices' in result) return result.choices;
  problems.push(...result.problems.map(flagProblem));
  return undefined;
}

function read<T>(flag: string, path: string, load: (path: string) => T, problems: string[]): T | undefined {
  try {
    return load(path);
  } catch (error) {
    // The loaders' own errors carry a code; what has none is a bug.
    if (!(error instanceof Error && 'code' in error)) throw error;
    const lines = 'syscall' in error ? [`${path}: ${systemReason(error)}`] : error.message.split('\n');
    problems.push(...lines.map((line) => `${flag}: ${line}`));
    return undefined;
  }
}

/** A choice is named as in a query: `podSecurityVersion` is `--pod-security-version`. */
function flagProblem(problem: string): string {
  return `--${problem.replace(/^\w+/, (name) => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`))}`;
}
