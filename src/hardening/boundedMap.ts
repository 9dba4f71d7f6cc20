/**
 * A map for what is kept to save time, where others choose the keys: it never holds more than so many. When one more
 * comes it forgets all of them, which costs nothing while there is room, and the few that matter are soon there again.
 */
export class BoundedMap<K, V> extends Map<K, V> {
  readonly #max: number;

  /** @param max entries, 1 at least */
  constructor(max: number) {
    super();
    this.#max = max;
  }

  override set(key: K, value: V): this {
    if (this.size >= this.#max && !this.has(key)) this.clear();
    return super.set(key, value);
  }
}
