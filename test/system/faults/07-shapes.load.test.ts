import { expect } from 'chai';
import type { KubeHarden } from '../../e2e/support/kubeHarden.js';
import { post } from '../support/clients.js';
import { bound } from './support/bound.js';
import { hardens, print, serve } from './support/serveProcess.js';

const MILLION = 1_000_000;
/** A level of nesting in an object, or in a list. */
const WRAPS = { objects: ['{"a":', '}'], lists: ['[', ']'] } as const;
const BLOCKED_MAX_SECONDS = 1;
/** Of what is read, on a busy machine: JSON.parse alone may take that long. Then so many times that, measured beside. */
const FLOORS_MAX = 6;
/** Said of bodies that are refused unread. A review has some fields of its own. */
const UNREAD = 'more than 250000 fields';
/** Fields that are read just so, besides those of the review itself. */
const MOST_READ = 249_900;
const KEYS_OF_EACH = 100;

/** Where a value can stand, and in which review. */
interface Place {
  readonly what: string;
  readonly field?: string;
  /** Otherwise it is refused, but only once it has been read. */
  readonly hasUid: boolean;
  /** With them the review is read without them first, and whole where that one is refused. */
  readonly hasManagedFields?: boolean;
}

/** Over all, in fields that hardening reads, in those that are the object's author's own, and in reviews without a uid. */
const PLACES: readonly Place[] = [
  { what: 'the root', hasUid: true },
  ...['labels', 'annotations', 'containers', 'limits', 'volumes', 'foreign'].map((field) => ({
    what: field,
    field,
    hasUid: true,
  })),
  { what: 'foreign, without a uid', field: 'foreign', hasUid: false },
  {
    what: 'foreign, without a uid and with managedFields',
    field: 'foreign',
    hasUid: false,
    hasManagedFields: true,
  },
];

interface Shape {
  readonly what: string;
  readonly value: string;
  /** Of different keys, the most that are read. */
  readonly hasMostKeys?: boolean;
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
  { what: 'a million keys', value: objectOf(MILLION) },
  { what: `${MOST_READ} keys`, value: objectOf(MOST_READ), hasMostKeys: true },
  {
    what: `as many, ${KEYS_OF_EACH} in each object of a list`,
    value: `[${Array.from({ length: MOST_READ / KEYS_OF_EACH }, (_, at) => objectOf(KEYS_OF_EACH, `${at}-`)).join()}]`,
    hasMostKeys: true,
  },
];

describe('7. nesting, and lists and objects of a million', function () {
  this.timeout(120_000);
  let server: KubeHarden;
  before(async () => (server = await serve()));
  after(() => server.stop());

  for (const { what, value, hasMostKeys = false } of SHAPES) {
    it(`${what}: refused or answered, wherever they stand, and the next request is fine`, async () => {
      const statuses: Record<string, number> = {};
      let longest = { seconds: 0, place: 'none' };
      let refused = longest;
      let floor = 0;
      for (const place of PLACES) {
        const before = await workSeconds(server);
        const review = reviewWith(place, value);
        const reply = await post(server.admissionPort, review, {}, '/mutate?timeout=30s');
        const after = await workSeconds(server);
        // Where others take this machine's time, the processor's time is the better measure of the two.
        const seconds = Math.min(after.blocked, after.cpu - before.cpu);
        expect(reply.status, `${what} at ${place.what}: ${reply.text.slice(0, 300)}`).to.be.oneOf([200, 400]);
        expect(JSON.parse(reply.text)).to.include({
          kind: reply.status === 200 ? 'AdmissionReview' : 'Status',
        });
        if (hasMostKeys && !place.hasUid) expect(reply.text).to.contain('request.uid: is missing');
        statuses[reply.status] = (statuses[reply.status] ?? 0) + 1;
        const measured = { seconds, place: place.what };
        if (seconds > longest.seconds) longest = measured;
        if (reply.status !== 200 && seconds > refused.seconds) refused = measured;
        if (!reply.text.includes(UNREAD)) floor ||= parseSeconds(review);
        expect(await hardens(server), 'the next request').to.equal(true);
      }
      print(
        `${JSON.stringify(statuses)}; event loop blocked for ${longest.seconds.toFixed(2)} s at most (at ${longest.place}), ` +
          `${refused.seconds.toFixed(2)} s where it is refused (at ${refused.place}); JSON.parse alone ${floor.toFixed(2)} s`,
      );
      if (hasMostKeys) expect(statuses, 'some are read and answered').to.have.all.keys('200', '400');
      expect(refused.seconds).to.be.below(
        bound(BLOCKED_MAX_SECONDS, Math.max(BLOCKED_MAX_SECONDS, FLOORS_MAX * floor)),
      );
    });
  }
});

/** JSON of an object with so many keys. */
function objectOf(keys: number, prefix = ''): string {
  return `{${Array.from({ length: keys }, (_, key) => `"k${prefix}${key}":"v"`).join()}}`;
}

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

function reviewWith({ field, hasUid, hasManagedFields = false }: Place, value: string): string {
  if (field === undefined) return value;
  const at = (name: string, otherwise: unknown): unknown => (name === field ? '@' : otherwise);
  const web = { name: 'web', image: 'web:1', resources: { limits: at('limits', {}) } };
  // In the order in which an API server writes it.
  const object = {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {
      name: 'web',
      namespace: 'shop',
      labels: at('labels', {}),
      annotations: at('annotations', {}),
      ...(hasManagedFields && { managedFields: [{ manager: 'kubectl' }] }),
    },
    spec: {
      containers: at('containers', [web]),
      volumes: at('volumes', []),
      foreign: at('foreign', ''),
    },
  };
  const request = {
    ...(hasUid && { uid: 'u' }),
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
