import { Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client';
import type { Metrics } from './metrics.js';

/**
 * The Prometheus side of `Metrics`: loaded after the listeners are up. Every scrape fills prom-client's counters and
 * gauges from our numbers; Node.js' own metrics (memory, event loop delay, file descriptors) come from prom-client.
 * A family without a series has none here: prom-client's `reset` would give one without labels the value 0, which of a
 * point in time is 1970.
 */
export class Exposition {
  private readonly registry = new Registry();

  constructor(private readonly metrics: Metrics) {
    for (const family of metrics.families) {
      const { name, help } = family;
      const labelNames = [...family.labelNames];
      const registers = [this.registry];
      if (family.type === 'counter') {
        const counter: Counter = new Counter({
          name,
          help,
          labelNames,
          registers,
          collect() {
            counter.reset();
            if (labelNames.length === 0) counter.remove();
            for (const { labels, value } of family.values()) counter.inc(labels, value);
          },
        });
      } else {
        const gauge: Gauge = new Gauge({
          name,
          help,
          labelNames,
          registers,
          collect() {
            gauge.reset();
            if (labelNames.length === 0) gauge.remove();
            for (const { labels, value } of family.values()) gauge.set(labels, value);
          },
        });
      }
    }
    collectDefaultMetrics({ register: this.registry });
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  async text(): Promise<string> {
    const histograms = this.metrics.histograms.map((histogram) => histogram.expose());
    return [...histograms, await this.registry.metrics()].join('\n');
  }
}
