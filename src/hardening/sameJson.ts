/**
 * Whether two values from JSON are the same, whatever the order of keys. Without recursion: an object may be nested
 * deeper than the call stack.
 */
export function sameJson(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (!isCollection(a) || !isCollection(b)) return false;
  /** Pairs, the second of each last. */
  const pending = [a, b];
  for (;;) {
    const y = pending.pop();
    const x = pending.pop();
    if (x === undefined || y === undefined) return true;
    if (Array.isArray(x) || Array.isArray(y)) {
      if (!Array.isArray(x) || !Array.isArray(y) || x.length !== y.length) return false;
      for (let index = 0; index < x.length; index++) if (!agree(x[index], y[index], pending)) return false;
    } else if (!sameEntries(x, y, pending)) return false;
  }
}

/** No list of keys is made: that would take longer than to compare. Data from JSON inherits no key. */
function sameEntries(x: Collection, y: Collection, pending: Collection[]): boolean {
  let count = 0;
  for (const key in x) {
    if (!Object.hasOwn(y, key) || !agree(x[key], y[key], pending)) return false;
    count++;
  }
  for (const key in y) if (Object.hasOwn(y, key)) count--;
  return count === 0;
}

/** Whether two values are the same as far as one can see without looking into them; the rest is for later. */
function agree(x: unknown, y: unknown, pending: Collection[]): boolean {
  if (Object.is(x, y)) return true;
  if (!isCollection(x) || !isCollection(y)) return false;
  pending.push(x, y);
  return true;
}

type Collection = Readonly<Record<string, unknown>>;

function isCollection(value: unknown): value is Collection {
  return typeof value === 'object' && value !== null;
}
