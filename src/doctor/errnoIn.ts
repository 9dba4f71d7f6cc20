import { hasRelativePath, pathNear, type LineText } from './lineText.js';
import type { Errno } from './signature.js';
import { ERRNO_WORDS } from './signatures.generated.js';

/** An error of the kernel in a text. */
export interface FoundErrno {
  readonly errno: Errno;
  /** Where its words begin. */
  readonly at: number;
  /** By number or symbol, which nobody writes but for an error of the kernel; a text may be anybody's. */
  readonly isExact: boolean;
}

const ENTRIES = Object.entries(ERRNO_WORDS) as [Errno, (typeof ERRNO_WORDS)[Errno]][];
const BY_NUMBER = new Map(ENTRIES.map(([errno, { number }]) => [number, errno]));
const TEXTS = ENTRIES.flatMap(([errno, { texts }]) => texts.map((text) => [errno, text] as const));
const PATTERNS = ENTRIES.flatMap(([errno, { patterns }]) =>
  patterns.map((pattern) => [errno, new RegExp(pattern, 'i')] as const),
);

/** `[Errno 30]`, `Errcode: 30`, `errno=30`, `os error 30`, `Os { code: 30`, `"errno": -30`. */
const NUMBER = /\b(?:errno|errcode|os error|os errno|os \{ code)\b["']?[\s:=([]{0,4}-?(\d{1,3})\b/gi;
/** Upper case as C, lower case as Erlang writes it. */
const SYMBOL = /\b(EROFS|EACCES|EPERM|ENOENT|erofs|eacces|eperm|enoent)\b/g;

/** The errors that a text names, each once. */
export function errnosIn({ text, lower }: LineText): FoundErrno[] {
  const found = new Map<Errno, FoundErrno>();
  const add = (errno: Errno | undefined, at: number, isExact: boolean): void => {
    if (errno === undefined) return;
    const known = found.get(errno);
    if (!known) found.set(errno, { errno, at, isExact });
    else found.set(errno, { errno, at: Math.min(known.at, at), isExact: known.isExact || isExact });
  };
  for (const match of text.matchAll(NUMBER)) add(BY_NUMBER.get(Number(match[1])), match.index, true);
  for (const match of text.matchAll(SYMBOL)) add(match[1]?.toUpperCase() as Errno, match.index, true);
  for (const [errno, pattern] of PATTERNS) {
    const match = pattern.exec(text);
    if (match) add(errno, match.index, true);
  }
  for (const [errno, words] of TEXTS) {
    const at = lower.indexOf(words);
    if (at < 0) continue;
    // `(13)Permission denied`, `(13: Permission denied)`.
    const number = /\((-?\d{1,3})\)?[:\s]{0,2}$/.exec(lower.slice(Math.max(0, at - 8), at))?.[1];
    add(errno, at, number !== undefined && BY_NUMBER.get(Math.abs(Number(number))) === errno);
  }
  return [...found.values()];
}

/** What a program does to files, sockets and processes, in the words of calls and of shells. */
const CALL =
  /\b(?:f?open(?:at|ing|ed)?|creat(?:e|ing)?|mk(?:dir|temp|nod|fifo)\w{0,6}|writ(?:e|ing)|read(?:ing)?|touch|rename|moving|mv|cp|copy|copying|unlink|remov(?:e|ing)|rm|rmdir|(?:sym)?link|[fl]?stat|access|bind|listen|connect|socket|[fl]?chown|chmod|set[ug]id|setgroups|exec\w{0,3}|spawn|fork|mount|lock(?:ing)?|flock|sav(?:e|ing)|dump|load|file|files|director(?:y|ies)|folder|path|pid ?file|log ?file|chdir|scandir|sed|install|tee|sh|bash)\b/i;
const PERSON =
  /\b(?:user(?:name)?|account|role|tenant|client|customer|principal|token|login|member|scope)s?\b/i;
/** How far around the error's words a clause goes, in characters: a structured line is about much else. */
const BEFORE = 120;
const AFTER = 80;

/**
 * Whether a text is that of the kernel's error. Programs refuse users of their own in the same words, so words alone count
 * only beside a path, a call or a file, and not where they are about a person.
 */
export function isOfKernel({ text }: LineText, { at, isExact }: FoundErrno): boolean {
  if (isExact) return true;
  const clause = text.slice(Math.max(0, at - BEFORE), at + AFTER);
  const isOfFile = pathNear(text, at) !== undefined || CALL.test(clause) || hasRelativePath(clause);
  return isOfFile && !PERSON.test(withoutPaths(clause));
}

/** `/etc/users/x` is about no person. */
function withoutPaths(text: string): string {
  return text.replaceAll(/["'‘“]?\/[^\s"'’”:]{1,500}/g, ' ');
}
