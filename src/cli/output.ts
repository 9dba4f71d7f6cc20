import { systemReason } from './systemReason.js';

/** Where a command writes, so that tests need no process. */
export interface Output {
  stdout(text: string): void;
  stderr(text: string): void;
}

export const processOutput: Output = {
  stdout(text) {
    process.stdout.write(text, reportUnwritten);
  },
  stderr(text) {
    process.stderr.write(text);
  },
};

let isReported = false;

/** A full disk, said once. A reader that has seen enough (`kube-harden rules | head -1`) is no error. */
function reportUnwritten(error: Error | null | undefined): void {
  if (!error || isReported || ('code' in error && error.code === 'EPIPE')) return;
  isReported = true;
  process.exitCode = 2;
  process.stderr.write(`error: standard output: ${systemReason(error)}\n`);
}
