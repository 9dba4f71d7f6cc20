import { Command } from 'commander';
import { didYouMean } from '../policy/didYouMean.js';
import { processOutput } from './output.js';
import { version } from './version.js';

interface Entry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

/** Every command. Only the one that is called is loaded: `serve` has to be ready within 300 ms. */
const COMMANDS: readonly Entry[] = [
  {
    name: 'serve',
    summary: 'run the admission webhook, the preview and the probes',
    load: async () => (await import('./serve.js')).serveCommand(),
  },
  {
    name: 'preview',
    summary: 'show what hardening would do to manifests',
    load: async () => (await import('./preview.js')).previewCommand(),
  },
  {
    name: 'explain',
    summary: 'tell why a workload is hardened as it is, and what changes it',
    load: async () => (await import('./explain.js')).explainCommand(),
  },
  {
    name: 'fix',
    summary: 'write the hardened fields into manifests',
    load: async () => (await import('./fix.js')).fixCommand(),
  },
  {
    name: 'scan',
    summary: 'tell what every workload of a live cluster would get',
    load: async () => (await import('./scan.js')).scanCommand(),
  },
  {
    name: 'doctor',
    summary: 'tell which rule keeps a pod from working, if it is one',
    load: async () => (await import('./doctor.js')).doctorCommand(),
  },
  {
    name: 'learn',
    summary: 'write the image profile with which a running container can be hardened',
    load: async () => (await import('./learn.js')).learnCommand(),
  },
  {
    name: 'policy',
    summary: 'check, print and test policies',
    load: async () => (await import('./policy.js')).policyCommand(),
  },
  {
    name: 'rules',
    summary: 'the rule catalogue',
    load: async () => (await import('./rules.js')).rulesCommand(),
  },
  {
    name: 'profile',
    summary: 'write the image profile that follows from an image',
    load: async () => (await import('./profile.js')).profileCommand(),
  },
  {
    name: 'network-policy',
    summary: 'print a NetworkPolicy that keeps pods from the API server',
    load: async () => (await import('./networkPolicy.js')).networkPolicyCommand(),
  },
  {
    name: 'certs',
    summary: 'make a CA and a serving certificate',
    load: async () => (await import('./certs.js')).certsCommand(),
  },
  {
    name: 'completion',
    summary: 'print a script that completes in a shell',
    load: async () => (await import('./completion.js')).completionCommand(),
  },
];

/**
 * The command line's program, with the command that `words` call loaded and the others named.
 * @param name `kube-harden`, or `kubectl harden` for the plugin
 */
export async function createProgram(name: string, words: readonly string[]): Promise<Command> {
  const program = new Command(name)
    .description('Hardens Kubernetes workloads as they are created, and shows beforehand what it would do.')
    .version(version(), '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .addHelpText(
      'after',
      `
Example: the rules, and one of them
  $ ${name} rules
  $ ${name} rules readOnlyRootFilesystem`,
    );
  const [first, second] = words.filter((word) => !word.startsWith('-'));
  const called = first === 'help' ? second : first;
  for (const { name: command, summary, load } of COMMANDS) {
    const added = command === called ? await load() : new Command(command);
    program.addCommand(added.summary(summary).name(command).copyInheritedSettings(program));
  }
  // Commander ends a wrong call with 1; here, as with kubectl diff, 1 means "there are differences".
  for (const command of [
    program,
    ...program.commands,
    ...program.commands.flatMap(({ commands }) => commands),
  ]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => processOutput.stdout(text),
      outputError: (text, write) => write(withSuggestion(text, command)),
    });
  }
  return program;
}

/** Commander suggests a flag for `--log-levl info`, but not for `--log-levl=info`. */
function withSuggestion(text: string, command: Command): string {
  const flag = /^error: unknown option '(--[^=']+)=/.exec(text)?.[1];
  if (flag === undefined) return text;
  const known = command.options.map(({ long }) => long ?? '');
  const meant = didYouMean(flag, known);
  return meant === undefined ? text : `${text}(Did you mean ${meant}?)\n`;
}
