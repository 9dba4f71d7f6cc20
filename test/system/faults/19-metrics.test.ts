import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import { RULE_IDS } from '../../../src/hardening/rule.js';
import { Exposition } from '../../../src/telemetry/exposition.js';
import { Metrics } from '../../../src/telemetry/metrics.js';
import { pod, requestOf, reviewOf } from '../../admission/support/reviews.js';
import { podReview } from '../../bench/review.js';
import { RawConnection, eventually, get, pause } from '../support/clients.js';
import { quantile } from './support/latencies.js';
import { offer, type Offered } from './support/load.js';
import { rawRequest } from './support/rawRequest.js';
import { LONG, hardens, print, runFolder, serve } from './support/serveProcess.js';

const MADE_UP = 10_000;
const CONNECTIONS = 20;
const POLICIES = 300;
/** More than all fixed lists give together, and far less than what is made up. */
const SERIES_MOST = 1500;
const SECONDS = LONG ? 10 : 2;
const ROUNDS = LONG ? 10 : 2;
/** Fifteen times as often as Prometheus is mostly told to. */
const SCRAPE_EVERY_MS = 1000;

describe('19. metrics', () => {
  it(`have no more series for ${MADE_UP} namespaces, names, kinds, rules and paths that are made up`, async function () {
    this.timeout(60_000);
    const server = await serve({ args: ['--log-decisions', 'none'] });
    await hardens(server);
    await get(`${server.opsUrl}/metrics`);
    const before = series(await server.metrics()).length;
    let answered = 0;
    await Promise.all(
      Array.from({ length: CONNECTIONS }, async (_, connection) => {
        const raw = await RawConnection.open(server.admissionPort);
        for (let at = connection; at < MADE_UP; at += CONNECTIONS) {
          raw.received = '';
          raw.write(rawRequest(madeUp(at), at % 10 === 0 ? `/mutate?timeout=${at}ms` : '/mutate?timeout=5s'));
          expect(await raw.until(/\r\n\r\n\{.*\}$/s)).to.match(/^HTTP\/1.1 [245]\d\d/);
          answered += 1;
        }
        raw.destroy();
      }),
    );
    const text = await server.metrics();
    const after = series(text);
    print(`${answered} requests: ${before} series before, ${after.length} after, ${text.length} bytes`);
    expect(after.length).to.be.below(SERIES_MOST);
    expect(text).to.not.match(/made-up/);
    await server.stop();
  });

  it(`of ${POLICIES} policies are named for 200, the rest together`, async function () {
    this.timeout(60_000);
    const file = runFolder.write('metrics-policies.yaml', policies(1));
    const server = await serve({ args: ['--policy-file', file] });
    writeFileSync(file, policies(POLICIES));
    const loaded = (text: string): string[] =>
      series(text).filter((name) => name.startsWith('kube_harden_policy_last_load'));
    await eventually(async () => loaded(await server.metrics()).length > 100);
    const found = loaded(await server.metrics());
    print(`${POLICIES} policies: ${found.length} series`);
    expect(found).to.have.length(201);
    expect(found.at(-1)).to.contain('(others)');
    expect(await hardens(server)).to.equal(true);
    await server.stop();
  });

  it(`are bounded for ${MADE_UP} policies that load or do not, and error codes`, async () => {
    const metrics = new Metrics({ version: 'test' });
    const exposition = new Exposition(metrics);
    const size = async (): Promise<number> => series(await exposition.text()).length;
    const names = Array.from({ length: MADE_UP }, (_, n) => `policy-${n}`);
    const none = await size();
    metrics.policiesLoaded(names, 0);
    metrics.policiesRejected(names);
    for (const status of [200, 400, 404, 405, 408, 413, 415, 500, 503, 504]) metrics.answered(status);
    for (const rule of RULE_IDS) metrics.ruleFailed(rule);
    const all = await size();
    print(`${none} series without policies, ${all} with ${MADE_UP} loaded and ${MADE_UP} rejected`);
    expect(all).to.be.below(SERIES_MOST);
  });

  it('are scraped at less than 1 % of the throughput', async function () {
    this.timeout(LONG ? 600_000 : 120_000);
    const server = await serve({ args: ['--log-decisions', 'none'] });
    const review = podReview(2);
    const load = { connections: 8, seconds: SECONDS };
    await offer(server, review, load);
    const [without, scraped]: [number[], number[]] = [[], []];
    const milliseconds: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      without.push(rate(await offer(server, review, load)));
      const scraping = new AbortController();
      const scraper = scrape(server.opsUrl, scraping.signal);
      scraped.push(rate(await offer(server, review, load)));
      scraping.abort();
      milliseconds.push(...(await scraper));
    }
    const [best, bestScraped] = [Math.max(...without), Math.max(...scraped)];
    // A scrape keeps the process busy for about as long as it takes when nothing else is to be done.
    const alone: number[] = [];
    for (let n = 0; n < 20; n += 1) alone.push(await scrapeOnce(server.opsUrl));
    const ofProcess = quantile(alone, 0.5) / 15_000;
    print(
      `best of ${ROUNDS} rounds: ${Math.round(best)}/s without, ${Math.round(bestScraped)}/s with a scrape a second ` +
        `(${milliseconds.length} scrapes, median ${quantile(milliseconds, 0.5).toFixed(1)} ms under load)`,
    );
    print(
      `alone a scrape takes ${quantile(alone, 0.5).toFixed(1)} ms: ` +
        `${(ofProcess * 100).toFixed(3)} % of the process at one in 15 s (goal: below 1 %)`,
    );
    expect(ofProcess).to.be.below(0.01);
    // Time that others take from this machine must not fail the test.
    expect(bestScraped / best).to.be.above(0.3);
    await server.stop();
  });
});

/** The names of all samples, with their labels. */
function series(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.slice(0, line.lastIndexOf(' ')));
}

function madeUp(n: number): string {
  const name = `made-up-${n}`;
  const labels = { [`kube-harden.io/${name}`]: 'disabled', 'kube-harden.io/policy': name };
  const object = {
    ...pod({ [name]: n, nodeName: name }, { name, namespace: name, labels, annotations: labels }),
  };
  if (n % 3 === 0) object.kind = `Made-up-${n}`;
  return reviewOf(requestOf(object, { uid: name, ...(n % 5 === 0 && { operation: name }) }));
}

function policies(count: number): string {
  return Array.from({ length: count }, (_, n) =>
    [
      'apiVersion: kube-harden.io/v1alpha1',
      'kind: HardeningPolicy',
      `metadata: {name: p${n}}`,
      'spec: {rules: {privileged: {action: Deny}}}',
      '',
    ].join('\n'),
  ).join('---\n');
}

function rate({ statuses, seconds }: Offered): number {
  return (statuses['200'] ?? 0) / seconds;
}

async function scrapeOnce(opsUrl: string): Promise<number> {
  const began = performance.now();
  expect((await get(`${opsUrl}/metrics`)).status).to.equal(200);
  return performance.now() - began;
}

async function scrape(opsUrl: string, ended: AbortSignal): Promise<number[]> {
  const milliseconds: number[] = [];
  while (!ended.aborted) {
    milliseconds.push(await scrapeOnce(opsUrl));
    await pause(SCRAPE_EVERY_MS);
  }
  return milliseconds;
}
