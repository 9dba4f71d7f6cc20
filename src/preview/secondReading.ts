import { CORE_SCHEMA, Type, YAMLException, loadAll } from 'js-yaml';
import { sameJson } from '../hardening/sameJson.js';

/** As Kubernetes reads it but for plain scalars, which are YAML 1.2's: `on` is a text, and `0400` is 400. */
const SCHEMA = CORE_SCHEMA.extend({
  // Its own, which its types do not export.
  implicit: [
    new Type('tag:yaml.org,2002:merge', {
      kind: 'scalar',
      resolve: (data: unknown) => data === '<<' || data === null,
    }),
  ],
});

/**
 * Reads an edited text a second time, with another library than the one that edited it, in a tenth of its time. It reads
 * the text before and after, and both alike: that it takes some scalars for something else than Kubernetes does is the
 * same on both sides. What an edit writes is quoted wherever the two would differ (`scalarText`).
 */
export class SecondReading {
  readonly #before: readonly unknown[] | undefined;

  /** @param documents how many of the text hold something */
  constructor(source: string, documents: number) {
    const before = endsInBlock(source) ? undefined : dataOf(source);
    this.#before = before?.length === documents ? before : undefined;
  }

  /**
   * @param edit makes of the documents' data what the text shall read as; the data is not changed
   * @returns whether it does; false also where this reading cannot tell
   */
  confirms(text: string, edit: (before: readonly unknown[]) => readonly unknown[]): boolean {
    if (this.#before === undefined) return false;
    return readsAgainAs(text, edit(this.#before));
  }
}

/** Whether this library finds the same data in a text, document by document. */
export function readsAgainAs(text: string, objects: readonly unknown[]): boolean {
  const data = dataOf(text);
  return data?.length === objects.length && data.every((object, index) => sameJson(object, objects[index]));
}

/**
 * A literal block that ends the text without a line break has none at its end to Kubernetes, and one to js-yaml: what an
 * edit adds behind it would change it unseen.
 */
function endsInBlock(source: string): boolean {
  return !source.endsWith('\n') && /[|>][-+\d]*[ \t]*(?:#.*)?\r?$/m.test(source);
}

/** The documents that hold something; undefined where the library does not take the text. */
function dataOf(text: string): unknown[] | undefined {
  try {
    return loadAll(text, undefined, { schema: SCHEMA }).filter(
      (object) => object !== null && object !== undefined,
    );
  } catch (error) {
    if (error instanceof YAMLException) return undefined;
    throw error;
  }
}
