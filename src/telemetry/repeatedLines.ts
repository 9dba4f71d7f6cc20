import { describeError } from './describeError.js';

/** Alike lines are written this often in a window, and counted from then on. */
const WRITTEN = 10;
/** Long enough to quieten a flood, short enough to see it go on. */
const WINDOW_MS = 10_000;
/** So many kinds of lines are told apart in a window; whoever varies what they send shares one kind with the rest. */
const KINDS_MAX = 100;
/** Lines that begin alike are alike: what a request says may be long. */
const KIND_CHARACTERS = 300;
/** Of each field of a line that is kept: a stack fits, a body does not. */
const KEPT_CHARACTERS = 4096;

/** What makes lines alike, besides their time. */
interface Repeatable {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

interface Kind<L> {
  readonly since: number;
  readonly first: L;
  seen: number;
}

/**
 * Which lines of a flood are written: of alike ones the first ten in ten seconds, and then one with how many more there
 * were. It holds at most a hundred lines and as many messages as there are in the program, each cut, whatever comes in.
 */
export class RepeatedLines<L extends Repeatable> {
  private readonly kinds = new Map<string, Kind<L>>();

  /** Whether some were held back, so that `ended` has to be asked. */
  get holding(): boolean {
    for (const { seen } of this.kinds.values()) if (seen > WRITTEN) return true;
    return false;
  }

  /** @param now milliseconds, the same clock as for `ended` */
  admits(line: L, now: number): boolean {
    const kind = this.kindOf(line, now);
    kind.seen += 1;
    return kind.seen <= WRITTEN;
  }

  /** The first of each kind whose window is over by `now` and how many more there were than were written; then forgotten. */
  ended(now: number): { readonly line: L; readonly more: number }[] {
    const summaries = [];
    for (const [key, { since, first, seen }] of this.kinds) {
      if (now - since < WINDOW_MS) continue;
      this.kinds.delete(key);
      if (seen > WRITTEN) summaries.push({ line: first, more: seen - WRITTEN });
    }
    return summaries;
  }

  private kindOf(line: L, now: number): Kind<L> {
    const key = this.keyOf(line, now);
    const known = this.kinds.get(key);
    if (known !== undefined && !isOver(known, now)) return known;
    const kind = { since: now, first: { ...line, fields: kept(line.fields) }, seen: 0 };
    this.kinds.set(key, kind);
    return kind;
  }

  private keyOf(line: L, now: number): string {
    const exact = kindKey(line);
    if (this.kinds.has(exact) || this.kinds.size < KINDS_MAX) return exact;
    for (const [key, kind] of this.kinds) if (isOver(kind, now)) this.kinds.delete(key);
    return this.kinds.size < KINDS_MAX ? exact : `${line.level} ${line.message}`;
  }
}

/** Its window is over and nothing was held back: there is nothing to say of it. */
function isOver({ since, seen }: Kind<unknown>, now: number): boolean {
  return seen <= WRITTEN && now - since >= WINDOW_MS;
}

/**
 * What requests have said, a megabyte of it, is not kept: neither whole nor as what a part was cut out of, which V8 keeps
 * with the part.
 */
function kept(fields: Repeatable['fields']): Repeatable['fields'] {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, keptValue(value)]));
}

function keptValue(value: unknown): unknown {
  if (typeof value === 'string') return copyOf(value);
  if (value instanceof Error) return copyOf(describeError(value));
  if (typeof value !== 'object') return value;
  let text: string;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    return `(unwritable: ${String(error)})`; // cyclic, or with a BigInt
  }
  return text.length > KEPT_CHARACTERS ? copyOf(text) : (JSON.parse(text) as unknown);
}

function copyOf(text: string): string {
  return Buffer.from(text.slice(0, KEPT_CHARACTERS)).toString();
}

/** The uid is another one for each request. */
function kindKey({ level, message, fields }: Repeatable): string {
  const { error } = fields;
  const others = { ...fields, uid: undefined, error: undefined };
  const said = error instanceof Error ? `${error.name}: ${error.message}` : '';
  let rest: string;
  try {
    rest = JSON.stringify(others);
  } catch {
    rest = ''; // cyclic, or a BigInt: the line itself will say so
  }
  return `${level} ${message} ${said.slice(0, KIND_CHARACTERS)} ${rest.slice(0, KIND_CHARACTERS)}`;
}
