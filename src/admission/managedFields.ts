/** Of a text: from `start` up to, but not including, `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** `none`: there are none. `unclear`: they are not written as kube-apiserver writes them, or are somebody else's. */
export type ManagedFields = Span | 'none' | 'unclear';

/** The API server writes kind and apiVersion first, and managedFields as the last field of metadata. */
const OBJECT = '"object":{"kind":"';
const MANAGED_FIELDS = ',"managedFields":[';
const LIST_AT = MANAGED_FIELDS.length - 1;
const SPEC = '"spec":';
const BEFORE_SPEC = '},';

/**
 * Where the entries of managedFields of a review's object are: what is between the brackets. They are up to half of a review,
 * and no decision depends on them: to look whether they are JSON takes a third of the time that parsing them does. A text is
 * JSON with them if and only if it is without.
 *
 * @param text an AdmissionReview, not looked at yet
 * @param bytes what it was decoded from
 * @returns a span that is the object's own list only if the decoded object shows it
 */
export function managedFieldsOf(text: string, bytes: Uint8Array): ManagedFields {
  const object = text.indexOf(OBJECT);
  const start = text.indexOf(MANAGED_FIELDS, object);
  if (object === -1 || start === -1) return 'none';
  const spec = text.indexOf(SPEC, object);
  if (spec < start) return 'unclear';
  const list = start + LIST_AT;
  // With one byte for each character they are counted alike.
  const isSameCount = bytes.length === text.length;
  const end = isSameCount
    ? valueEnd(bytes, list, 0)
    : list + valueEnd(Buffer.from(text.slice(list, spec)), 0, 0);
  const isLast = end + BEFORE_SPEC.length === spec && text.startsWith(BEFORE_SPEC, end);
  return isLast ? { start: list + 1, end: end - 1 } : 'unclear';
}

/** Deeper than fields of a pod are: then it is somebody else's text. */
const DEPTH_MAX = 32;
const NONE = -1e9;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const BRACE = 0x7b;
const BRACE_END = 0x7d;
const BRACKET = 0x5b;
const BRACKET_END = 0x5d;
const SPACE = 0x20;
const DELETE = 0x7f;

/** Behind a string, list or object of JSON without white space, in ASCII; negative where there is something else. */
function valueEnd(bytes: Uint8Array, at: number, depth: number): number {
  switch (bytes[at]) {
    case QUOTE:
      return stringEnd(bytes, at);
    case BRACE:
      return depth < DEPTH_MAX ? membersEnd(bytes, at, depth, BRACE_END) : NONE;
    case BRACKET:
      return depth < DEPTH_MAX ? membersEnd(bytes, at, depth, BRACKET_END) : NONE;
    default:
      return NONE;
  }
}

/** Of a list, or of an object: its members have names. */
function membersEnd(bytes: Uint8Array, open: number, depth: number, close: number): number {
  let at = open + 1;
  if (bytes[at] === close) return at + 1;
  for (;;) {
    if (close === BRACE_END) {
      if (bytes[at] !== QUOTE) return NONE;
      at = stringEnd(bytes, at);
      if (bytes[at] !== COLON) return NONE;
      at += 1;
    }
    at = valueEnd(bytes, at, depth + 1);
    const next = bytes[at];
    at += 1;
    if (next === close) return at;
    if (next !== COMMA) return NONE;
  }
}

function stringEnd(bytes: Uint8Array, quote: number): number {
  for (let at = quote + 1; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) return at + 1;
    if (byte === BACKSLASH) {
      at += 1;
      // Go writes other escapes too, but hardly ever here.
      if (bytes[at] !== QUOTE && bytes[at] !== BACKSLASH) return NONE;
    } else if (byte < SPACE || byte >= DELETE) return NONE;
  }
  return NONE;
}
