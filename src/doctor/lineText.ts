import { isRecord } from '../hardening/locate.js';
import { LINE_MAX } from './redact.js';

/** What a line says, in the form in which signatures look for it. */
export interface LineText {
  readonly text: string;
  /** In lower case. */
  readonly lower: string;
  readonly level: 'quiet' | 'warning' | 'error' | undefined;
}

const LEVEL_KEYS = ['level', 'severity', 'lvl', 'loglevel', 'levelname', 's', 'log.level'];
/** A structured line may carry anything: what lies deeper is no message. */
const MAX_DEPTH = 4;
const MAX_PARTS = 64;

/** Reads a line of a log or a message: of a structured one (JSON) the strings inside, each with its key where it is a number. */
export function lineText(line: string): LineText {
  const cut = line.slice(0, LINE_MAX);
  const parsed = parseJson(cut);
  const parts: string[] = [];
  if (parsed) collect(parsed, parts, 0);
  const text = parsed ? parts.join(' ; ') : cut;
  return { text, lower: text.toLowerCase(), level: parsed ? levelOf(parsed) : levelIn(cut) };
}

/** JSON may follow a timestamp or a prefix of the runtime. */
function parseJson(line: string): Record<string, unknown> | undefined {
  const start = line.indexOf('{');
  if (start < 0 || start > 120 || !line.trimEnd().endsWith('}')) return undefined;
  try {
    const value: unknown = JSON.parse(line.slice(start));
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function collect(value: unknown, parts: string[], depth: number, key = ''): void {
  if (parts.length >= MAX_PARTS || depth > MAX_DEPTH) return;
  if (typeof value === 'string') parts.push(value);
  else if (typeof value === 'number') parts.push(`${key}=${value}`);
  else if (Array.isArray(value)) for (const item of value) collect(item, parts, depth + 1, key);
  else if (isRecord(value))
    for (const [name, item] of Object.entries(value)) collect(item, parts, depth + 1, name);
}

function levelOf(value: Record<string, unknown>): LineText['level'] {
  const entry = Object.entries(value).find(([key]) => LEVEL_KEYS.includes(key.toLowerCase()));
  return entry && typeof entry[1] === 'string' ? levelNamed(entry[1]) : undefined;
}

const LEVEL_WORD =
  /(?:^|[\s[<(|:=])(trace|debug|info|information|notice|note|warn|warning|error|err|alert|crit|critical|fatal|emerg|severe|panic)(?=[\s\]>):|,]|$)/i;

/** Where a level stands in a plain line, it stands in front. */
function levelIn(line: string): LineText['level'] {
  const word = LEVEL_WORD.exec(line.slice(0, 120))?.[1];
  return word === undefined ? undefined : levelNamed(word);
}

function levelNamed(word: string): LineText['level'] {
  if (/^(?:t|d|i|trace|debug|info|information|notice|note)$/i.test(word)) return 'quiet';
  return /^(?:w|warn|warning)$/i.test(word) ? 'warning' : 'error';
}

/** An absolute path, after a blank, a quote, a bracket or `=`; not the rest of a URL. */
const PATH = /(?:^|[\s"'`(=:,<[‘’‚“”„«「『《（：])(\/(?![/\s])[^\s"'`,;:()[\]}{<>|‘’“”„»」』》）：]{1,500})/g;

/**
 * The path that an error is about: the last one before the words of the error, since most programs write `open "/x":
 * Read-only file system`; else the first after them (`EROFS: read-only file system, open '/x'`).
 *
 * @param errorAt where the words of the error begin
 */
export function pathNear(text: string, errorAt: number): string | undefined {
  let before: string | undefined;
  for (const match of text.matchAll(PATH)) {
    const path = match[1]?.replace(/[.!?]+$/, '');
    if (path === undefined || path.length < 2) continue;
    if (match.index < errorAt) before = path;
    else return before ?? path;
  }
  return before;
}

/** A file named without its directory: `./ddl_recovery.log`, `data/x.db`. */
export function hasRelativePath(text: string): boolean {
  return /(?:^|[\s"'`(=‘“])(?:\.{1,2}\/)?[\w.-]{1,100}(?:\/[\w.-]{1,100}){1,20}(?=$|[\s"'`),:;’”])/.test(
    text,
  );
}

const PORTS = [
  /(?:\d{1,3}(?:\.\d{1,3}){3}|\]|\*|::|localhost):(\d{1,5})\b/,
  /(?:^|[\s"'(=])(?:tcp|udp|http|https)?:(\d{1,5})\b/,
  /\bports?["']?[\s:=#]{1,4}(\d{1,5})\b/i,
  /\b(?:\d{1,3}(?:\.\d{1,3}){3})[\s,]{1,3}(\d{1,5})\b/,
];

/** The port of an address in a text. */
export function portIn(text: string): number | undefined {
  for (const pattern of PORTS) {
    const port = Number(pattern.exec(text)?.[1] ?? NaN);
    if (port > 0 && port <= 65535) return port;
  }
  return undefined;
}
