import { expect } from 'chai';
import fc from 'fast-check';
import { Agent } from 'node:https';
import { stringify } from 'yaml';
import type { KubernetesObject } from '../../../src/admission/types.js';
import { answerPreview, ANSWER_MEDIA_TYPES } from '../../../src/preview/answer.js';
import { ProblemError } from '../../../src/preview/problem.js';
import { BUILTIN_POLICIES } from '../../../src/policy/builtin.generated.js';
import { StandalonePlans } from '../../../src/policy/standalonePlans.js';
import { handlerFor, requestOf, responseOf, reviewOf } from '../../admission/support/reviews.js';
import { podReview } from '../../bench/review.js';
import { post, type Reply } from '../support/clients.js';
import type { Json } from '../../support/apiValidation.js';
import { corpusSource, corpusWorkloads } from '../../support/corpus.js';
import { POLICIES, expectPromises, planOf } from '../../support/promises.js';
import { LONG, hardens, print, serve } from './support/serveProcess.js';

/** 20,000 in all; ten times that at night. */
const TIMES = LONG ? 10 : 1;
const IN_PROCESS = { json: 3000 * TIMES, reviews: 5000 * TIMES, manifests: 2000 * TIMES };
const REAL_PROCESS = { json: 3000 * TIMES, reviews: 5000 * TIMES, manifests: 2000 * TIMES };
const CONNECTIONS = 10;
/** Generated at a time: all at once would take a gigabyte at night. */
const BATCH = 1000;
/** Other inputs each time; printed, so that they can be had again. */
const SEED = seedOf(process.env['KUBE_HARDEN_FUZZ_SEED']);

const REVIEW = JSON.parse(podReview(2)) as { request: { object: KubernetesObject } };
const OBJECTS: readonly KubernetesObject[] = [
  REVIEW.request.object,
  // The largest ones take most of the time and have nothing that the others have not.
  ...corpusWorkloads()
    .map(({ object }) => object as KubernetesObject)
    .filter((object) => JSON.stringify(object).length < 20_000),
];

/** Values where another type, another size or another meaning is expected. */
const oddValue = fc.oneof(
  fc.constantFrom<unknown>(
    ...[null, true, false, 0, -1, 1.5, 65536, 2 ** 31, 2 ** 53, 1e300, '', '0', 'true', 'null', '__proto__'],
    ...[
      '*',
      'ALL',
      'CAP_SYS_ADMIN',
      '100m',
      '1e3',
      '-1Gi',
      '\u0000',
      '\ud800',
      '/',
      '../..',
      'kube-harden.io/mode',
    ],
    ...[[], {}, [null], [[]], [{}], { name: null }, 'RuntimeDefault', 'Unconfined', 'a'.repeat(300)],
  ),
  fc.jsonValue({ maxDepth: 3 }),
);

/** One change of a document: where (as a share of its nodes), how, and with what. */
const mutation = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  how: fc.constantFrom('replace', 'delete', 'duplicate', 'rename', 'addKey', 'swap'),
  with: oddValue,
  key: fc.constantFrom(
    ...[
      'securityContext',
      'hostPID',
      'os',
      'initContainers',
      'ephemeralContainers',
      'volumes',
      'constructor',
    ],
    ...[
      '__proto__',
      'runAsUser',
      'capabilities',
      'toString',
      'spec',
      'metadata',
      'name',
      'kind',
      'resources',
      '',
    ],
  ),
});
type Mutation = typeof mutation extends fc.Arbitrary<infer M> ? M : never;

/** The object mutated, and sometimes what is around it. */
const mutatedReview = fc
  .tuple(
    fc.nat(OBJECTS.length - 1),
    fc.array(mutation, { minLength: 1, maxLength: 6 }),
    fc.array(mutation, { maxLength: 2 }),
    fc.integer({ min: 0, max: 3 }),
  )
  .map(([index, mutations, around, chance]) => {
    const original = OBJECTS[index] ?? {};
    const object = mutated(original, mutations);
    const review = JSON.parse(reviewOf({ ...requestOf(original), object })) as unknown;
    return JSON.stringify(chance === 0 ? mutated(review, around) : review);
  });

const randomBody = fc.oneof(
  fc.json({ maxDepth: 6 }),
  fc.jsonValue({ maxDepth: 5 }).map((request) => reviewOf(request)),
  fc.jsonValue({ maxDepth: 5 }).map((object) => reviewOf({ ...REVIEW.request, object })),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc
    .tuple(fc.constant(podReview(1)), fc.nat(), fc.string({ unit: 'grapheme', maxLength: 3 }))
    .map(
      ([text, at, put]) =>
        text.slice(0, at % text.length) + put + text.slice((at % text.length) + put.length),
    ),
);

const YAML_TOKENS = [
  ...[
    '&a ',
    '*a',
    '!!binary ',
    '!!str ',
    '<<: *a',
    '---\n',
    '...\n',
    '\t',
    '|',
    '>-',
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
  ],
  ...[
    ': ',
    '- ',
    '# ',
    '? ',
    '%YAML 1.1\n',
    '\u0000',
    '\ufeff',
    '\r',
    '\u2028',
    '~',
    '0o17',
    '.inf',
    '\ud800',
  ],
];
const mutatedYaml = fc
  .tuple(
    fc.nat(OBJECTS.length - 1),
    fc.array(
      fc.record({
        line: fc.nat(),
        column: fc.nat(40),
        how: fc.constantFrom('insert', 'insert', 'deleteLine', 'repeatLine', 'indent', 'cut'),
        token: fc.constantFrom(...YAML_TOKENS),
      }),
      { minLength: 1, maxLength: 5 },
    ),
  )
  .map(([index, edits]) => {
    const lines = YAML[index]?.split('\n') ?? [];
    for (const { line, column, how, token } of edits) {
      const at = line % Math.max(1, lines.length);
      const text = lines[at] ?? '';
      if (how === 'insert') lines[at] = text.slice(0, column) + token + text.slice(column);
      else if (how === 'deleteLine') lines.splice(at, 1);
      else if (how === 'repeatLine') lines.splice(at, 0, text);
      else if (how === 'indent') lines[at] = ` ${text}`;
      else lines.length = at;
    }
    return lines.join('\n');
  });
const YAML = OBJECTS.map((object) => stringify(object));

/** The process's own plan: no namespaces file. */
const standalone = new StandalonePlans({ policies: BUILTIN_POLICIES, clock: Date.now });
const PLANS = [
  ...POLICIES.flatMap((name) => [planOf(name, 'Warn'), planOf(name, 'Mutate')]),
  standalone.planFor('shop'),
];

describe('20. fuzz', function () {
  this.timeout(LONG ? 1_200_000 : 180_000);
  before(() => {
    print(`from ${OBJECTS.length} objects of ${corpusSource()}, and a benchmark's review`);
    print(`the same again: KUBE_HARDEN_FUZZ_SEED=${SEED}`);
  });

  it(`${IN_PROCESS.json} random bodies, the engine in this process`, () => {
    const counts = new Counts();
    const { answer, failures } = handlerFor(standalone);
    fc.assert(
      fc.property(randomBody, (body) => {
        const reply = answer(body);
        if (reply instanceof Promise) throw new Error('a plan that is known is not waited for');
        counts.add(String(reply.status));
        expectWellFormed(body, { ...reply, text: reply.body });
        expect(failures, 'what a rule threw').to.deep.equal([]);
      }),
      { numRuns: IN_PROCESS.json, seed: SEED },
    );
    print(`answered ${counts.text}`);
  });

  it(`${IN_PROCESS.reviews} mutated reviews, the engine in this process: the four promises hold on what is patched`, () => {
    const counts = new Counts();
    let turn = 0;
    fc.assert(
      fc.property(mutatedReview, (body) => {
        const plan = PLANS[turn++ % PLANS.length];
        if (plan === undefined) throw new Error('no plan');
        const { answer, failures } = handlerFor({ planFor: () => plan });
        const reply = answer(body);
        if (reply instanceof Promise) throw new Error('a plan that is known is not waited for');
        expectWellFormed(body, { ...reply, text: reply.body });
        expect(failures, 'what a rule threw').to.deep.equal([]);
        const patched = reply.status === 200 && responseOf(reply).operations.length > 0;
        counts.add(patched ? 'patched' : String(reply.status));
        if (patched) expectPromises({ object: objectOf(body) }, plan);
      }),
      { numRuns: IN_PROCESS.reviews, seed: SEED },
    );
    print(`answered ${counts.text}`);
    expect(counts.of('patched')).to.be.above(IN_PROCESS.reviews / 10);
  });

  it(`${IN_PROCESS.manifests} mutated manifests, the preview in this process`, async () => {
    const counts = new Counts();
    const host = {
      authorize: () => Promise.resolve(),
      podSecurityMinor: () => Promise.resolve(undefined),
      planWith: standalone.planWith.bind(standalone),
    };
    let turn = 0;
    await fc.assert(
      fc.asyncProperty(mutatedYaml, async (text) => {
        const mediaType = ANSWER_MEDIA_TYPES[turn++ % ANSWER_MEDIA_TYPES.length] ?? 'application/json';
        const question = { bytes: Buffer.from(text), choices: { labels: {} }, mediaType };
        try {
          const answer = await answerPreview(question as Parameters<typeof answerPreview>[0], host);
          counts.add('answered');
          if (answer.contentType.includes('json')) expect(JSON.parse(answer.body)).to.be.an('object');
        } catch (error) {
          if (!(error instanceof ProblemError)) throw error;
          counts.add(String(error.problem.status));
          expect(error.problem.status).to.be.within(400, 499);
          expect(error.problem.detail).to.not.equal('');
        }
      }),
      { numRuns: IN_PROCESS.manifests, seed: SEED },
    );
    print(`answered ${counts.text}`);
  });

  const whole = REAL_PROCESS.json + REAL_PROCESS.reviews + REAL_PROCESS.manifests;
  it(`${whole} of all kinds, against the real process`, async () => {
    const server = await serve({ args: ['--log-decisions', 'none'] });
    const counts = new Counts();
    const plan = standalone.planFor('shop');
    const { json, reviews, manifests } = REAL_PROCESS;
    const admit = async (body: string, agent: Agent): Promise<void> => {
      const reply = await post(server.admissionPort, body, { agent });
      counts.add(`admission ${reply.status}`);
      told(body, () => {
        expectWellFormed(body, reply);
        if (reply.status === 200 && responseOf({ body: reply.text }).operations.length > 0) {
          const { hardened } = expectPromises({ object: objectOf(body) }, plan);
          counts.add('patched');
          expect(hardened).to.be.an('object');
        }
      });
    };
    let turn = 0;
    const preview = async (text: string, agent: Agent): Promise<void> => {
      const accept = ANSWER_MEDIA_TYPES[turn++ % ANSWER_MEDIA_TYPES.length] ?? 'application/json';
      const headers = { 'content-type': 'application/yaml', accept };
      const reply = await post(server.previewPort ?? 0, text, { agent, headers }, '/preview');
      counts.add(`preview ${reply.status}`);
      told(text, () => expectPreviewWellFormed(reply, accept));
    };
    await inParallel(sampled(randomBody, json), admit);
    await inParallel(sampled(mutatedReview, reviews), admit);
    await inParallel(sampled(mutatedYaml, manifests), preview);
    print(`answered ${counts.text}`);
    expect(await server.metric('kube_harden_uncaught_errors_total')).to.equal(0);
    expect(await server.metric('kube_harden_failed_decisions_total')).to.equal(0);
    expect(await hardens(server)).to.equal(true);
    expect(await server.stop()).to.deep.equal({ code: 0, signal: null });
    expect(server.logs().filter(({ level }) => level === 'error')).to.deep.equal([]);
  });
});

class Counts {
  private readonly counts = new Map<string, number>();

  add(what: string): void {
    this.counts.set(what, this.of(what) + 1);
  }

  of(what: string): number {
    return this.counts.get(what) ?? 0;
  }

  get text(): string {
    return [...this.counts].map(([what, count]) => `${what}: ${count}`).join(', ');
  }
}

/** A 200 is a review that answers this request, anything else a Status; a 500 is a bug. */
function expectWellFormed(body: string, { status, text }: Pick<Reply, 'status' | 'text'>): void {
  const answer = JSON.parse(text) as Record<string, unknown>;
  if (status !== 200) {
    expect(answer, text).to.include({ kind: 'Status', status: 'Failure', code: status });
    expect(answer['message']).to.be.a('string').that.is.not.empty;
    expect(status, text).to.be.oneOf([400, 413]);
    return;
  }
  expect(answer).to.include({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' });
  const response = responseOf({ body: text });
  expect(response.uid).to.equal((JSON.parse(body) as { request: { uid: string } }).request.uid);
  expect(response.allowed).to.be.a('boolean');
  expect(response.patchType).to.equal(response.patch === undefined ? undefined : 'JSONPatch');
  for (const operation of response.operations) expect(operation.op).to.be.oneOf(['add', 'replace', 'remove']);
  const warnings = response.warnings ?? [];
  for (const warning of warnings) expect(warning).to.match(/^[\x20-\x7e\u00a0-\uffff]{1,120}$/u);
  if (!response.allowed) expect(response.status?.message).to.be.a('string');
}

function expectPreviewWellFormed({ status, headers, text }: Reply, accept: string): void {
  const contentType = headers['content-type'];
  if (status === 200) {
    expect(contentType?.split(';')[0]).to.equal(accept);
    if (accept === 'application/json')
      expect(JSON.parse(text)).to.have.property('results').that.is.an('array');
    else if (accept.includes('json')) expect(JSON.parse(text)).to.be.an('object');
    return;
  }
  expect(contentType).to.match(/^application\/problem\+json/);
  const answer = JSON.parse(text) as Record<string, unknown>;
  expect(answer, text).to.include({ status });
  expect(answer['detail']).to.be.a('string').that.is.not.empty;
  expect(status, text).to.be.oneOf([400, 413, 422]);
}

function objectOf(body: string): Json {
  return (JSON.parse(body) as { request: { object: Json } }).request.object;
}

/** A copy with these changes, of places that a JSON document can have. */
function mutated(document: unknown, mutations: readonly Mutation[]): unknown {
  const root = { document: JSON.parse(JSON.stringify(document)) as unknown };
  for (const { at, how, with: value, key } of mutations) {
    const places = placesOf(root);
    const place = places[Math.floor(at * places.length)];
    if (place === undefined) continue;
    const { parent, name } = place;
    const here = Reflect.get(parent, name) as unknown;
    const other = places[Math.floor(((at * 7919) % 1) * places.length)];
    if (how === 'replace') define(parent, name, value);
    else if (how === 'delete' && Array.isArray(parent)) parent.splice(Number(name), 1);
    else if (how === 'delete' && name !== 'document') Reflect.deleteProperty(parent, name);
    else if (how === 'duplicate' && Array.isArray(parent)) parent.push(structuredClone(here));
    else if (how === 'rename' && !Array.isArray(parent) && name !== 'document') {
      Reflect.deleteProperty(parent, name);
      define(parent, key, here);
    } else if (how === 'addKey' && typeof here === 'object' && here !== null && !Array.isArray(here))
      define(here, key, value);
    else if (how === 'swap' && other !== undefined)
      define(parent, name, Reflect.get(other.parent, other.name));
  }
  return root.document;
}

/** As JSON.parse does it: `__proto__` is a key like any other. */
function define(object: object, key: string, value: unknown): void {
  // A copy: what is put in at two places may be changed at one of them, or put into itself.
  Object.defineProperty(object, key, {
    value: structuredClone(value),
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

function placesOf(value: unknown): { readonly parent: object; readonly name: string }[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, child]) => [{ parent: value, name }, ...placesOf(child)]);
}

/** A whole number; without one given, any. */
function seedOf(given: string | undefined): number {
  return given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number.parseInt(given, 10);
}

/** So many inputs, the same for the same seed. */
function* sampled(inputs: fc.Arbitrary<string>, count: number): Generator<string> {
  for (let from = 0; from < count; from += BATCH)
    yield* fc.sample(inputs, { seed: SEED + from, numRuns: Math.min(BATCH, count - from) });
}

async function inParallel(
  inputs: Iterable<string>,
  send: (input: string, agent: Agent) => Promise<void>,
): Promise<void> {
  const left = inputs[Symbol.iterator]();
  const client = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let next = left.next(); next.done !== true; next = left.next()) await send(next.value, agent);
    agent.destroy();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, client));
}

/** Says which input it was. */
function told(input: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    throw new Error(`${(error as Error).message}\nwith seed ${SEED}, of the input ${JSON.stringify(input)}`, {
      cause: error,
    });
  }
}
