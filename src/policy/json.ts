/**
 * JSON.parse, but a key that stands twice in an object is a problem and not silently the last one's: which of the two
 * another reader takes is anybody's guess.
 *
 * @param maxDepth objects and arrays that may stand in one another
 * @returns undefined where the text is not JSON
 */
export function parseJson(
  text: string,
  maxDepth: number,
): { readonly value: unknown } | { readonly problem: string; readonly offset: number } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return structureProblem(text, maxDepth) ?? { value };
}

/** The keys of the object that is open, or undefined for an array. */
type Open = Set<string> | undefined;

/** One pass over the text, which is known to be JSON. */
function structureProblem(text: string, maxDepth: number): { problem: string; offset: number } | undefined {
  const open: Open[] = [];
  let keys: Open;
  let atKey = false;
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case '{':
      case '[':
        open.push(keys);
        if (open.length > maxDepth) return { problem: tooDeep(maxDepth), offset: at };
        keys = text[at] === '{' ? new Set() : undefined;
        atKey = keys !== undefined;
        break;
      case '}':
      case ']':
        keys = open.pop();
        atKey = false;
        break;
      case ',':
        atKey = keys !== undefined;
        break;
      case '"': {
        const end = endOfString(text, at);
        if (atKey && keys) {
          const raw = text.slice(at, end + 1);
          const key = raw.includes('\\') ? String(JSON.parse(raw)) : raw.slice(1, -1);
          if (keys.has(key)) return { problem: duplicateKey(key), offset: at };
          keys.add(key);
          atKey = false;
        }
        at = end;
        break;
      }
    }
  }
  return undefined;
}

/** The offset of the quote that ends the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === '\\') backslashes++;
  return backslashes % 2 === 1;
}

export const duplicateKey = (key: string): string => `duplicate key ${JSON.stringify(key)}`;
export const tooDeep = (maxDepth: number): string => `nested more than ${String(maxDepth)} deep`;
