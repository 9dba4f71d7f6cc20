export interface LogTailLimits {
  readonly lines: number;
  /** Of a line, in bytes; of a longer one the beginning and the end are kept. */
  readonly lineBytes: number;
}

const NEW_LINE = 0x0a;
/** Stands where something was left out of a line. */
const GAP = ' ... ';

/**
 * The last lines of a text that comes in pieces. Never more than these lines are in memory, however long the text is and
 * however long its lines are.
 */
export class LogTail {
  private readonly ring: string[] = [];
  private next = 0;
  private readonly half: number;
  /** Of the line that has not ended yet. */
  private head = Buffer.alloc(0);
  private tail = Buffer.alloc(0);
  private lineBytes = 0;
  private isCut = false;

  constructor(private readonly limits: LogTailLimits) {
    this.half = Math.floor(limits.lineBytes / 2);
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (let at = chunk.indexOf(NEW_LINE); at >= 0; at = chunk.indexOf(NEW_LINE, from)) {
      this.add(chunk.subarray(from, at));
      this.endLine();
      from = at + 1;
    }
    this.add(chunk.subarray(from));
  }

  /** To be called once, after all of it. @returns the oldest line first; `cut` where there was more */
  end(): { readonly lines: readonly string[]; readonly cut: boolean } {
    if (this.lineBytes > 0) this.endLine();
    return { lines: [...this.ring.slice(this.next), ...this.ring.slice(0, this.next)], cut: this.isCut };
  }

  /** Copies: what is kept holds no piece of the text in memory. */
  private add(part: Buffer): void {
    if (part.length === 0) return;
    const room = Math.max(0, this.half - this.head.length);
    this.lineBytes += part.length;
    this.head = Buffer.concat([this.head, part.subarray(0, room)]);
    const rest = part.subarray(room);
    this.tail = Buffer.concat([this.tail, rest.subarray(-this.half)]).subarray(-this.half);
  }

  private endLine(): void {
    const line = this.lineText().replace(/\r$/, '');
    this.head = this.tail = Buffer.alloc(0);
    this.lineBytes = 0;
    if (this.ring.length < this.limits.lines) {
      this.ring.push(line);
      return;
    }
    this.isCut = true;
    this.ring[this.next] = line;
    this.next = (this.next + 1) % this.limits.lines;
  }

  private lineText(): string {
    const [head, tail] = [this.head.toString('utf8'), this.tail.toString('utf8')];
    if (this.lineBytes === this.head.length + this.tail.length)
      // Decoded together: a character may stand on both sides.
      return tail === '' ? head : Buffer.concat([this.head, this.tail]).toString('utf8');
    this.isCut = true;
    return wholeWords(head) + GAP + reversed(wholeWords(reversed(tail)));
  }
}

/** Without its last word, which was cut: half a secret is not known as one. */
function wholeWords(text: string): string {
  return text.replace(/[^\s,;&|"'(){}[\]<>]*$/, '');
}

function reversed(text: string): string {
  return Array.from(text).reverse().join('');
}
