import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';

/**
 * Runs the example that a command's --help prints, in a folder, with kube-harden to be called as it is there.
 *
 * @returns what it prints on standard output
 * @throws Error where a line of it ends with anything but 0
 */
export function runHelpExample(command: Command, folder: string): string {
  let help = '';
  command.configureOutput({ writeOut: (part) => (help += part) }).outputHelp();
  const [, example = ''] = help.split('Example:');
  const script = example.replace(/^.*\n/, '').replaceAll(/^ {2}\$ /gm, '');
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
  const call = `kube-harden() { "${process.execPath}" --import "${import.meta.resolve('tsx')}" "${main}" "$@"; }`;
  return execFileSync('bash', ['-ec', `${call}\n${script}`], { cwd: folder, encoding: 'utf8' });
}
