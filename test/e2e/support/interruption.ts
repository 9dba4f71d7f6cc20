import { endOwnedProcesses, killOwnedProcesses } from './ownedProcess.js';

/** How often a run that mocha has forked looks whether mocha's first process still lives. */
const PARENT_CHECK_MS = 500;
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Ctrl-C, SIGTERM and an early exit end every process that was started, then `atEnd` runs (synchronously: it removes
 * folders). SIGKILL is the watchdog's.
 */
export function cleanUpWhenInterrupted(atEnd: () => void): void {
  let ending = false;
  const end = (code: number): void => {
    if (ending) return;
    ending = true;
    void endOwnedProcesses().finally(() => process.exit(code));
  };
  for (const [signal, code] of Object.entries(EXIT_CODES)) process.on(signal, () => end(code));
  process.on('exit', () => {
    killOwnedProcesses();
    atEnd();
  });
  endWithMocha(() => end(EXIT_CODES.SIGTERM));
}

/**
 * With a node option in its configuration mocha forks, and its first process passes on SIGINT only: whoever sends it
 * SIGTERM or SIGKILL would leave this one running.
 */
function endWithMocha(end: () => void): void {
  if (!/mocha[/\\]lib[/\\]cli[/\\]cli\.js$/.test(process.argv[1] ?? '')) return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) end();
  }, PARENT_CHECK_MS).unref();
}
