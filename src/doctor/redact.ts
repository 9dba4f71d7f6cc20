import { isRecord } from '../hardening/locate.js';
import type { KubernetesObject } from '../admission/types.js';

/** Evidence is a line to recognise, not a log. */
const TEXT_MAX = 300;
/** Longer lines are cut before anything is looked for in them: what is of interest stands in front. */
export const LINE_MAX = 4096;
const HIDDEN = '[hidden]';
/** Shorter values (`80`, `on`) are in every line. */
const SHORTEST_SECRET = 4;

/** What must never be shown of a line: the shapes that secrets have. Each pattern is linear. */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]{1,40}-----.*/g, HIDDEN],
  [/\beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?/g, HIDDEN],
  [/\b(bearer|basic|digest|token)\s+[\w.~+/=-]{8,}/gi, `$1 ${HIDDEN}`],
  // user:password@host, with and without a scheme.
  [/(\/\/[^\s/:@"']{0,200}:)[^\s/"'@]{1,400}@/g, `$1${HIDDEN}@`],
  [
    /((?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?|authorization|auth|cookie|session(?:[_-]?id)?|signature|sig)["']?\s{0,4}(?:[=:]|=>)\s{0,4})(?:"[^"]{1,500}"|'[^']{1,500}'|[^\s,;&"'}]{3,500})/gi,
    `$1${HIDDEN}`,
  ],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, HIDDEN],
  [/\b(?:gh[pousr]_|glpat-|xox[abprs]-|sk_live_|sk-)[\w-]{12,}/g, HIDDEN],
];

/** Makes a text of a log, a status or an event one that may be shown. */
export type Redact = (text: string) => string;

/**
 * One line, without control characters, without what looks like a secret and without values of the pod's environment,
 * at most 300 characters.
 */
export function redactFor(pod: KubernetesObject): Redact {
  const values = environmentValues(pod);
  return (text) => {
    let safe = text.slice(0, LINE_MAX);
    for (const value of values) safe = safe.replaceAll(value, HIDDEN);
    for (const [pattern, by] of SECRETS) safe = safe.replace(pattern, by);
    safe = safe.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
    return safe.length <= TEXT_MAX ? safe : `${safe.slice(0, TEXT_MAX - 3)}...`;
  };
}

/**
 * Whether a path that is to be pasted would give away a value of the pod's environment. A value that is a path itself is
 * where the program was told to write.
 */
export function showsSecret(path: string, pod: KubernetesObject): boolean {
  const isValue = (value: string): boolean => !value.startsWith('/') && path.includes(value);
  return environmentValues(pod).some(isValue) || SECRETS.some(([pattern]) => path.search(pattern) >= 0);
}

/** Literal values of `env`, the longest first, so that one that holds another goes as a whole. */
function environmentValues({ spec }: KubernetesObject): string[] {
  const values = new Set<string>();
  if (!isRecord(spec)) return [];
  for (const list of [spec['containers'], spec['initContainers'], spec['ephemeralContainers']]) {
    for (const container of Array.isArray(list) ? list : []) {
      const env: unknown = isRecord(container) ? container['env'] : undefined;
      for (const variable of Array.isArray(env) ? env : []) {
        const value: unknown = isRecord(variable) ? variable['value'] : undefined;
        if (typeof value !== 'string') continue;
        for (const shown of spellings(value)) values.add(shown);
      }
    }
  }
  return [...values].sort((a, b) => b.length - a.length);
}

/** A value of several lines is logged line by line, and inside JSON with escapes. */
function spellings(value: string): string[] {
  const lines = value.split(/\r?\n/).map((line) => line.trim());
  return [value, JSON.stringify(value).slice(1, -1), ...lines].filter(
    (text) => text.length >= SHORTEST_SECRET,
  );
}
