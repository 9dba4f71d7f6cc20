import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';

/**
 * Reads `+PGID` and `-PGID` lines and, when nobody can write any more, kills the groups that are left; then it runs the
 * scripts that `=PATH` lines name. It has a session of its own, so that a terminal's Ctrl-C reaches the tests and not
 * what cleans up after them.
 */
const SCRIPT = `
trap '' INT TERM HUP
groups= scripts=
while read -r line; do
  group=\${line#?}
  case $line in
    =*) scripts="$scripts $group" ;;
    +*) groups="$groups $group" ;;
    -*) kept=; for known in $groups; do [ "$known" = "$group" ] || kept="$kept $known"; done; groups=$kept ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
for script in $scripts; do [ ! -e "$script" ] || sh "$script"; done
exit 0
`;

/** How the watchdog of a process is called in the list of processes. */
export function watchdogName(pid: number): string {
  return `kube-harden-e2e-watchdog-${pid}`;
}

let pipe: Writable | undefined;

/**
 * The pipe to a process that outlives this one and ends what it has left behind: no handler of ours runs on SIGKILL.
 * Started with the first process that needs it.
 */
export function watchdogPipe(): Writable {
  if (pipe !== undefined) return pipe;
  const { stdin, ...watchdog } = startShell();
  pipe = stdin;
  watchdog.unref();
  // A write after the watchdog's end (a test killed it) is no reason to fail.
  stdin.on('error', () => undefined);
  // The pipe must not keep this process alive either.
  if ('unref' in stdin && typeof stdin.unref === 'function') (stdin.unref as () => void).call(stdin);
  return pipe;
}

/** Has a script of sh run once this process and all that it started have ended, if it is still there then. */
export function whenAllHasEnded(script: string): void {
  watchdogPipe().write(`=${script}\n`);
}

function startShell(): { stdin: Writable; unref: () => void } {
  const shell = spawn('/bin/sh', ['-c', SCRIPT, watchdogName(process.pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  return { stdin: shell.stdin, unref: () => shell.unref() };
}
