/**
 * Counters, gauges and histograms as plain numbers. prom-client costs 54 ms to load and about a microsecond a labelled
 * increment; the hot path counts here, and `exposition.ts` hands the numbers to prom-client when somebody scrapes.
 */

export type Labels = Readonly<Record<string, string>>;

/** One labelled number. Hold on to it: finding it again costs a map lookup. */
export class Series {
  value = 0;
  constructor(readonly labels: Labels) {}

  inc(by = 1): void {
    this.value += by;
  }
}

/** A counter or gauge with all its labelled series. Labels must come from fixed lists, never from a request. */
export class Family {
  private readonly children = new Map<string, Series>();
  private readonly readers: { labels: Labels; read: () => number }[] = [];

  constructor(
    readonly type: 'counter' | 'gauge',
    readonly name: string,
    readonly help: string,
    readonly labelNames: readonly string[] = [],
  ) {}

  /** The series with these labels, made at its first use. */
  series(labels: Labels = {}): Series {
    const key = this.labelNames.map((name) => labels[name] ?? '').join('\u0000');
    let child = this.children.get(key);
    if (child === undefined) {
      child = new Series(labels);
      this.children.set(key, child);
    }
    return child;
  }

  /** A gauge whose value is read when it is scraped. */
  readFrom(read: () => number, labels: Labels = {}): void {
    this.readers.push({ labels, read });
  }

  /** Forgets every series (a policy that is gone must not be reported for ever). */
  clear(): void {
    this.children.clear();
  }

  values(): { labels: Labels; value: number }[] {
    return [
      ...[...this.children.values()].map(({ labels, value }) => ({ labels, value })),
      ...this.readers.map(({ labels, read }) => ({ labels, value: read() })),
    ];
  }
}

/** An unlabelled histogram: how many observations were at most each bound. */
export class Histogram {
  /** Not cumulative; the last one is everything above the last bound. */
  private readonly counts: Float64Array;
  private sum = 0;

  constructor(
    readonly name: string,
    readonly help: string,
    readonly bounds: readonly number[],
  ) {
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.bounds.length && value > (this.bounds[bucket] ?? Infinity)) bucket += 1;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sum += value;
  }

  /** The Prometheus text: prom-client cannot take over observations that were counted elsewhere. */
  expose(): string {
    let seen = 0;
    const lines = [`# HELP ${this.name} ${this.help}`, `# TYPE ${this.name} histogram`];
    for (const [bucket, count] of this.counts.entries()) {
      seen += count;
      lines.push(`${this.name}_bucket{le="${this.bounds[bucket] ?? '+Inf'}"} ${seen}`);
    }
    lines.push(`${this.name}_sum ${this.sum}`, `${this.name}_count ${seen}`);
    return lines.join('\n') + '\n';
  }
}
