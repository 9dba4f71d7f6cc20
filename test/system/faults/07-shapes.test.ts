import { expect } from 'chai';
import type { KubeHarden } from '../../e2e/support/kubeHarden.js';
import { post } from '../support/clients.js';
import { hardens, print, serve } from './support/serveProcess.js';

const MILLION = 1_000_000;
/** A level of nesting in an object, or in a list. */
const WRAPS = { objects: ['{"a":', '}'], lists: ['[', ']'] } as const;
/** Where a value can stand: over all, in fields that hardening reads, in those that are the object's author's own. */
const PLACES = ['', 'labels', 'annotations', 'containers', 'limits', 'volumes', 'foreign'];
const BLOCKED_MAX_SECONDS = 1;
/** On a busy machine JSON.parse alone may take that long: then so many times what it takes, measured beside. */
const FLOORS_MAX = 6;

interface Shape {
  readonly what: string;
  readonly value: string;
}

const SHAPES: readonly Shape[] = [
  ...[5_000, 100_000].flatMap((levels) =>
    Object.entries(WRAPS).map(([name, [open, close]]) => ({
      what: `${levels} levels of ${name}`,
      value: `${open.repeat(levels)}0${close.repeat(levels)}`,
    })),
  ),
  { what: 'a list of a million numbers', value: `[${'0,'.repeat(MILLION - 1)}0]` },
  { what: 'a list of a million objects', value: `[${'{},'.repeat(MILLION - 1)}{}]` },
  {
    what: 'a million keys',
    value: `{${Array.from({ length: MILLION }, (_, key) => `"k${key}":"v"`).join()}}`,
  },
];

describe('7. nesting, and lists and objects of a million', function () {
  this.timeout(120_000);
  let server: KubeHarden;
  before(async () => (server = await serve()));
  after(() => server.stop());

  for (const { what, value } of SHAPES) {
    it(`${what}: refused or answered, wherever they stand, and the next request is fine`, async () => {
      const statuses: Record<string, number> = {};
      let longest = { seconds: 0, refused: 0, floor: 0, place: '' };
      for (const place of PLACES) {
        const before = await workSeconds(server);
        const review = reviewWith(place, value);
        const reply = await post(server.admissionPort, review, {}, '/mutate?timeout=30s');
        const after = await workSeconds(server);
        // Where others take this machine's time, the processor's time is the better measure of the two.
        const seconds = Math.min(after.blocked, after.cpu - before.cpu);
        expect(reply.status, `${what} at ${place}: ${reply.text.slice(0, 300)}`).to.be.oneOf([200, 400]);
        expect(JSON.parse(reply.text)).to.include({
          kind: reply.status === 200 ? 'AdmissionReview' : 'Status',
        });
        statuses[reply.status] = (statuses[reply.status] ?? 0) + 1;
        if (reply.status !== 200) longest.refused = Math.max(longest.refused, seconds);
        longest.floor ||= parseSeconds(review);
        if (seconds > longest.seconds) longest = { ...longest, seconds, place };
        expect(await hardens(server), 'the next request').to.equal(true);
      }
      print(
        `${JSON.stringify(statuses)}; event loop blocked for ${longest.seconds.toFixed(2)} s at most ` +
          `(at ${longest.place || 'the root'}), ${longest.refused.toFixed(2)} s where it is refused; JSON.parse alone ${longest.floor.toFixed(2)} s`,
      );
      expect(longest.refused).to.be.below(Math.max(BLOCKED_MAX_SECONDS, FLOORS_MAX * longest.floor));
    });
  }
});

/** How long the event loop was blocked at most since this was last asked, and the processor's time so far. */
async function workSeconds(server: KubeHarden): Promise<{ blocked: number; cpu: number }> {
  // Once for both: to be asked for is what makes it forget.
  const text = await server.metrics();
  const of = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  return { blocked: of('nodejs_eventloop_lag_max_seconds'), cpu: of('process_cpu_seconds_total') };
}

/** What it costs to read it at all, on this machine, now. */
function parseSeconds(text: string): number {
  const began = performance.now();
  JSON.parse(text);
  return (performance.now() - began) / 1000;
}

function reviewWith(place: string, value: string): string {
  if (place === '') return value;
  const at = (name: string, otherwise: unknown): unknown => (name === place ? '@' : otherwise);
  const web = { name: 'web', image: 'web:1', resources: { limits: at('limits', {}) } };
  const object = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'web',
      namespace: 'shop',
      labels: at('labels', {}),
      annotations: at('annotations', {}),
    },
    spec: {
      containers: at('containers', [web]),
      volumes: at('volumes', []),
      foreign: at('foreign', ''),
    },
  };
  const request = {
    uid: 'u',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    operation: 'CREATE',
    namespace: 'shop',
    object,
  };
  return JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request,
  }).replace('"@"', () => value);
}
