import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'kube-harden-e2e-';
/** So many runs' folders stay at most, the current one included: what failed today is looked at today. */
const KEPT_RUNS = 3;

/** The working folder of one run: logs, certificates, data. Gone after a success, its logs kept after a failure. */
export class RunFolder {
  private finished = false;

  private constructor(readonly path: string) {}

  static create(): RunFolder {
    prune();
    // The time first, so that the names sort as the runs began.
    const began = new Date().toISOString().replaceAll(/[-:]|\.\d+Z$/g, '');
    const folder = new RunFolder(mkdtempSync(join(tmpdir(), `${PREFIX}${began}-`)));
    writeFileSync(folder.file('pid'), `${process.pid}\n`);
    mkdirSync(folder.file('logs'));
    return folder;
  }

  /** A path inside. */
  file(...names: string[]): string {
    return join(this.path, ...names);
  }

  logFile(name: string): string {
    return this.file('logs', `${name}.log`);
  }

  write(name: string, content: string): string {
    const file = this.file(name);
    // Keys and tokens lie here, in a folder that others may enter.
    writeFileSync(file, content, { mode: 0o600 });
    return file;
  }

  /** Only the first call counts. Synchronous, since it is also called while the process ends. */
  finish({ failed }: { readonly failed: boolean }): void {
    if (this.finished) return;
    this.finished = true;
    if (!failed) {
      rmSync(this.path, { recursive: true, force: true });
      return;
    }
    // 64 MB of write-ahead log that nobody reads.
    rmSync(this.file('etcd'), { recursive: true, force: true });
    process.stderr.write(`e2e logs: ${this.file('logs')}\n`);
  }
}

/** Removes the oldest folders of runs that have ended; those of runs at the same time are theirs. */
function prune(): void {
  const ended = readdirSync(tmpdir())
    .filter((name) => name.startsWith(PREFIX))
    .sort()
    .map((name) => join(tmpdir(), name))
    .filter((path) => !isAlive(path));
  for (const path of ended.slice(0, Math.max(0, ended.length - (KEPT_RUNS - 1)))) {
    rmSync(path, { recursive: true, force: true });
  }
}

function isAlive(path: string): boolean {
  try {
    return process.kill(Number(readFileSync(join(path, 'pid'), 'utf8')), 0);
  } catch {
    return false;
  }
}
