import { Argument, Command } from 'commander';
import type { Output } from './output.js';
import { processOutput } from './output.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

const HELP = `
The script asks kube-harden itself at each Tab: it need not be made anew when kube-harden is.
bash: source it in ~/.bashrc. zsh: source it in ~/.zshrc after compinit. fish: write it to
~/.config/fish/completions/kube-harden.fish. As a plugin, kubectl completes it where kubectl_complete-harden is in PATH.
Exit status: 0, or 2 for another shell.

Examples: for this shell alone, and for every one that starts
  $ source <(kube-harden completion bash)
  $ echo 'source <(kube-harden completion bash)' >> ~/.bashrc`;

/** `kube-harden completion`. */
export function completionCommand(output: Output = processOutput): Command {
  return new Command('completion')
    .description('print a script that completes commands, flags and their values in a shell')
    .addArgument(new Argument('<shell>', 'whose script').choices(SHELLS))
    .addHelpText('after', HELP)
    .action(async (shell: Shell) => {
      const { COMPLETION_SCRIPTS } = await import('./completionScripts.js');
      output.stdout(COMPLETION_SCRIPTS[shell]);
    });
}
