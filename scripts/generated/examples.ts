import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { explainCommand } from '../../src/cli/explain.js';
import { fixCommand } from '../../src/cli/fix.js';
import { networkPolicyCommand } from '../../src/cli/networkPolicy.js';
import { policyCommand } from '../../src/cli/policy.js';
import { previewCommand } from '../../src/cli/preview.js';
import { profileCommand } from '../../src/cli/profile.js';
import { rulesCommand } from '../../src/cli/rules.js';
import type { GeneratedFile } from './generatedFile.js';

const ROOT = new URL('../../', import.meta.url);

/** Pages outside docs/rules that show what the command line prints. */
export const PAGES_WITH_EXAMPLES = [
  'README.md',
  'docs/policies.md',
  'docs/contract.md',
  'docs/explain.md',
  'docs/fix.md',
  'docs/network-policy.md',
  'docs/operations.md',
  'docs/policy-tests.md',
  'docs/preview.md',
  'docs/profile.md',
];

/**
 * An example in a page: a comment that names the command, and the fenced block below it with what the command prints,
 * standard output first and standard error after it, as a terminal shows them here.
 */
const EXAMPLE = /<!-- output of: (?<command>[^\n]+) -->\n```(?<language>\w*)\n(?<output>[\s\S]*?)```/g;

export interface Example {
  readonly command: string;
  readonly output: string;
}

export function examplesIn(markdown: string): Example[] {
  return [...markdown.matchAll(EXAMPLE)].map(({ groups }) => ({
    command: groups?.['command'] ?? '',
    output: groups?.['output'] ?? '',
  }));
}

/** The page with each example's output as it is now; those of other programs (curl) stay. */
export async function withFreshExamples(markdown: string): Promise<string> {
  let fresh = '';
  let end = 0;
  for (const match of markdown.matchAll(EXAMPLE)) {
    const { command = '', language = '', output = '' } = match.groups ?? {};
    const printed = isOurs(command) ? await printedBy(command) : output;
    fresh += markdown.slice(end, match.index);
    fresh += `<!-- output of: ${command} -->\n\`\`\`${language}\n${printed}\`\`\``;
    end = match.index + match[0].length;
  }
  return fresh + markdown.slice(end);
}

const OURS = 'node dist/main.js ';

export function isOurs(command: string): boolean {
  return command.startsWith(OURS);
}

/** What a command line of ours prints. It runs in this process, on the sources: no build is needed. */
export async function printedBy(command: string): Promise<string> {
  const [name = '', ...words] = command.slice(OURS.length).split(' ');
  let stdout = '';
  let stderr = '';
  const output = {
    stdout: (text: string) => void (stdout += text),
    stderr: (text: string) => void (stderr += text),
  };
  const io = { ...output, colour: false, stdin: () => Promise.reject(new Error('no standard input')) };
  const commands: Readonly<Record<string, () => Command>> = {
    preview: () => previewCommand(io),
    explain: () => explainCommand(io),
    fix: () => fixCommand(io),
    policy: () => policyCommand(output),
    rules: () => rulesCommand(output),
    profile: () => profileCommand(output),
    'network-policy': () => networkPolicyCommand(output),
  };
  const make = commands[name];
  if (make === undefined)
    throw new Error(`an example runs ${command}: only ${Object.keys(commands).join(', ')} can be run here`);
  const before = process.exitCode;
  try {
    await make().exitOverride().parseAsync(words, { from: 'user' });
  } finally {
    process.exitCode = before;
  }
  return stdout + stderr;
}

/** The same pages, their examples run anew. */
export const exampleFiles: readonly GeneratedFile[] = PAGES_WITH_EXAMPLES.map((path) => ({
  path,
  content: () => withFreshExamples(readFileSync(new URL(path, ROOT), 'utf8')),
}));
