import { statSync, watch, type FSWatcher, type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A kubelet swaps a mounted Secret about once a minute; a second is soon enough, and costs a stat call a file. */
const POLL_MS = 1000;

export interface WatchedFilesOptions {
  readonly files: readonly string[];
  /** Takes over what the files hold now; throws where that is broken. */
  readonly take: () => void;
  /** They are broken, and not because they are just being written. Called once for each such content. */
  readonly reject: (error: unknown) => void;
}

/** Files that belong together, taken over when they have changed since this was made: make it before they are first read. */
export class WatchedFiles {
  private readonly watchers: FSWatcher[] = [];
  private timer: NodeJS.Timeout | undefined;
  /** What the files looked like when they were last taken over, or found broken for good. */
  private settled: string;
  /** How they looked when they were found broken: half-written, perhaps, so the next poll decides. */
  private suspect: string | undefined;
  private checking = false;

  constructor(private readonly options: WatchedFilesOptions) {
    this.settled = signatureNow(options.files);
  }

  /** Begins to watch. The poll is what holds (network file systems tell nothing); the watch makes it prompt. */
  start(): void {
    this.timer = setInterval(() => void this.check(true), POLL_MS).unref();
    for (const folder of new Set(this.options.files.map((file) => dirname(file)))) {
      try {
        const watcher = watch(folder, { persistent: false }, () => void this.check(false));
        watcher.on('error', () => watcher.close());
        this.watchers.push(watcher);
      } catch {
        // Out of inotify watches, or a file system without them: the poll does it.
      }
    }
  }

  close(): void {
    clearInterval(this.timer);
    for (const watcher of this.watchers) watcher.close();
  }

  /** Which files these are and when they were written; symbolic links (a mounted Secret) are followed. */
  private async signature(): Promise<string> {
    return (await Promise.all(this.options.files.map((file) => stat(file).then(mark, unreadable)))).join(
      SEPARATOR,
    );
  }

  /** @param polled broken files that look as they did a poll ago are not being written: only then are they reported */
  private async check(polled: boolean): Promise<void> {
    if (this.checking) return;
    this.checking = true;
    try {
      const seen = await this.signature();
      if (seen === this.settled) return;
      try {
        this.options.take();
        this.settle(seen);
      } catch (error) {
        if (polled && seen === this.suspect) {
          this.settle(seen);
          this.options.reject(error);
        } else if (polled) this.suspect = seen;
      }
    } finally {
      this.checking = false;
    }
  }

  private settle(seen: string): void {
    this.settled = seen;
    this.suspect = undefined;
  }
}

/** The same at once: what is read next is at least as new. */
function signatureNow(files: readonly string[]): string {
  const marks = files.map((file) => {
    try {
      return mark(statSync(file));
    } catch (error) {
      return unreadable(error);
    }
  });
  return marks.join(SEPARATOR);
}

const SEPARATOR = '; ';

function mark({ ino, size, mtimeMs, ctimeMs }: Stats): string {
  return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
}

function unreadable(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unreadable';
}
