/**
 * What a decision costs, beside the floor that nobody who reads JSON can go below: JSON.parse of the same body.
 * Prints ratios, and which goals hold: a figure of a busy machine is to be read, not to fail a build.
 *
 *   npm run bench:engine
 */
import { Bench } from 'tinybench';
import { decide, patchFor } from '../../src/admission/decide.js';
import { decodeReview } from '../../src/admission/review.js';
import type { AdmissionRequest } from '../../src/admission/types.js';
import { harden } from '../../src/hardening/harden.js';
import type { HardenInput } from '../../src/hardening/podDraft.js';
import type { Pod } from '../../src/hardening/podSpec.js';
import { BUILTIN_POLICIES } from '../../src/policy/builtin.generated.js';
import type { NamespaceFacts } from '../../src/policy/namespace.js';
import { MODE_LABEL, POLICY_LABEL } from '../../src/policy/plan.js';
import type { Policy, PolicyException } from '../../src/policy/policy.js';
import { scopeOf, type Subject } from '../../src/admission/scope.js';
import { StandalonePlans } from '../../src/policy/standalonePlans.js';
import { podReview } from './review.js';

/** harden + patch of two containers against JSON.parse of their review. */
const RATIO_MAX = 0.4;
/** How far apart the costs of a decision may lie that should be the same. */
const SPREAD_MAX = 1.2;
const SIZES = [1, 2, 5, 20, 100] as const;
/** Rounds of all tasks in turn. The fastest counts: what a busy machine adds is not the code's. */
const ROUNDS = 9;

let missed = 0;

function goal(text: string, holds: boolean): void {
  if (!holds) missed++;
  process.stdout.write(`  ${holds ? 'holds ' : 'MISSED'}  ${text}\n`);
}

/** Of each task the median of its fastest round, in microseconds. */
async function measure(tasks: Readonly<Record<string, () => unknown>>): Promise<Map<string, number>> {
  const rounds = new Map<string, number[]>(Object.keys(tasks).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    const bench = new Bench({ time: 60, warmupTime: round === 0 ? 150 : 20 });
    for (const [name, task] of Object.entries(tasks)) bench.add(name, task);
    await bench.run();
    for (const task of bench.tasks) {
      if (task.result.state === 'completed') rounds.get(task.name)?.push(task.result.latency.p50 * 1000);
    }
  }
  return new Map([...rounds].map(([name, values]) => [name, Math.min(...values)]));
}

const us = (value: number | undefined): string => `${(value ?? Number.NaN).toFixed(1)} µs`.padStart(10);

function plansWith(exceptions: readonly PolicyException[], namespaces: number): StandalonePlans {
  const names = ['shop', ...Array.from({ length: namespaces - 1 }, (_, index) => `team-${index}`)];
  return plansOf(
    BUILTIN_POLICIES.map((policy) => (policy.name === 'default' ? { ...policy, exceptions } : policy)),
    new Map(names.map((name) => [name, {}])),
  );
}

/** Of so many policies, each but the built-in ones the choice of a namespace; the last by name is that of the pod's. */
function plansAmong(count: number): StandalonePlans {
  const more = count - BUILTIN_POLICIES.length;
  const chosen = Array.from({ length: more }, (_, index) => `team-${String(index).padStart(3, '0')}`);
  const [like] = BUILTIN_POLICIES.filter(({ name }) => name === 'default');
  if (!like) throw new Error('no policy default');
  return plansOf(
    [...BUILTIN_POLICIES, ...chosen.map((name) => ({ ...like, name }))],
    new Map(chosen.map((name, index) => [index === more - 1 ? 'shop' : name, { [POLICY_LABEL]: name }])),
  );
}

/** @param namespaces by name, their labels beside the mode */
function plansOf(
  policies: readonly Policy[],
  namespaces: ReadonlyMap<string, Readonly<Record<string, string>>>,
): StandalonePlans {
  const facts = [...namespaces].map(([name, labels]): [string, NamespaceFacts] => [
    name,
    { name, labels: { [MODE_LABEL]: 'enforce', ...labels }, limitRanges: [], quotaByQos: false },
  ]);
  const plans = new StandalonePlans({ policies, namespaces: new Map(facts), clock: Date.now });
  for (const name of namespaces.keys()) plans.planFor(name);
  return plans;
}

/** Spread over 100 namespaces; a tenth of a hundred, and ten of a thousand, are the pod's own. */
function exceptions(count: number): PolicyException[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `exception-${index}`,
    reason: 'measured',
    match: {
      namespaces: [index % 100 === 0 ? 'shop' : `team-${index % 100}`],
      containers: [`sidecar-${index}`, 'app-*-old'],
      images: [`registry.example/shop/legacy-${index}-*:v1*`],
    },
    rules: ['readOnlyRootFilesystem'],
  }));
}

/** A thousand, all of the pod's own namespace; `fits`: the last of them is the pod's first container's. */
function ownExceptions(by: 'containers' | 'images', fits: boolean): StandalonePlans {
  const [other, first] =
    by === 'containers'
      ? ['sidecar', 'app-0']
      : ['registry.example/shop/legacy', 'registry.example/shop/service-0-0'];
  const own = exceptions(1000).map((exception, index): PolicyException => ({
    ...exception,
    match: { namespaces: ['shop'], [by]: [fits && index === 999 ? first : `${other}-${index}`] },
  }));
  const plans = plansWith(own, 1);
  // One that is not what it says would be measured all the same.
  const isExcepted = decision(plans)().skips.some(({ code }) => code === 'Excepted');
  if (isExcepted !== fits) throw new Error(`exceptions by ${by}: ${isExcepted ? 'one fits' : 'none fits'}`);
  return plans;
}

function subjectOf(request: AdmissionRequest): Subject {
  const subject = scopeOf(request);
  if ('because' in subject) throw new Error(subject.because);
  return subject;
}

async function bySize(): Promise<void> {
  const plan = plansWith([], 1).planFor('shop');
  process.stdout.write('A decision by number of containers (policy default):\n');
  process.stdout.write(
    '  containers     body   JSON.parse  harden+patch  ratio   decide (scope, harden, patch, warnings)  whole answer\n',
  );
  const perContainer = new Map<number, number>();
  for (const size of SIZES) {
    const text = podReview(size);
    const body = Buffer.from(text);
    const request = decodeReview(body);
    const subject = subjectOf(request);
    const input: HardenInput = { ...subject.input, pod: request.object as unknown as Pod };
    const result = await measure({
      parse: () => JSON.parse(text) as unknown,
      harden: () => patchFor(subject, harden(input, plan).changes),
      decide: () => decide(request, plan),
      whole: () => decide(decodeReview(body), plan),
    });
    const [parse = 0, hardened = 0] = [result.get('parse'), result.get('harden')];
    perContainer.set(size, hardened / size);
    process.stdout.write(
      `  ${String(size).padStart(10)} ${`${(text.length / 1000).toFixed(1)} KB`.padStart(8)} ${us(parse)}   ${us(hardened)}  ${(hardened / parse).toFixed(2)}  ${us(result.get('decide'))}  ${us(result.get('whole'))}\n`,
    );
    if (size === 2) {
      goal(
        `harden + patch of 2 containers is ${(hardened / parse).toFixed(2)} × JSON.parse (at most ${RATIO_MAX})`,
        hardened / parse <= RATIO_MAX,
      );
    }
  }
  const [five = 0, hundred = 0] = [perContainer.get(5), perContainer.get(100)];
  goal(
    `cost per container is flat: ${five.toFixed(2)} µs each of 5, ${hundred.toFixed(2)} µs each of 100 (at most × ${SPREAD_MAX})`,
    hundred <= five * SPREAD_MAX,
  );
}

const body = Buffer.from(podReview(2));
const decision = (plans: StandalonePlans) => () => decide(decodeReview(body), plans.planFor('shop'));

async function byScale(): Promise<void> {
  const compare = async (title: string, cases: Readonly<Record<string, StandalonePlans>>): Promise<void> => {
    const result = await measure(
      Object.fromEntries(Object.entries(cases).map(([name, plans]) => [name, decision(plans)])),
    );
    const values = [...result.values()];
    const spread = Math.max(...values) / Math.min(...values);
    process.stdout.write(
      `${title}: ${[...result].map(([name, value]) => `${name}: ${us(value).trim()}`).join(', ')}\n`,
    );
    goal(`the dearest is ${spread.toFixed(2)} × the cheapest (at most ${SPREAD_MAX})`, spread <= SPREAD_MAX);
  };
  await compare('A whole decision (2 containers) by number of exceptions', {
    '1': plansWith(exceptions(1), 100),
    '100': plansWith(exceptions(100), 100),
    '1,000': plansWith(exceptions(1000), 100),
  });
  await compare('A whole decision (2 containers) by number of namespaces', {
    '1': plansWith([], 1),
    '10,000': plansWith([], 10_000),
  });
}

/** What many policies and exceptions cost, beside the same decision with the built-in policy and no exceptions. */
async function besideBuiltIn(): Promise<void> {
  const cases = new Map([["100 policies, the pod's own the last by name", plansAmong(100)]]);
  for (const by of ['containers', 'images'] as const) {
    for (const fits of [false, true]) {
      const title = `1,000 exceptions of its own namespace, by ${by}, of which ${fits ? 'one' : 'none'} fits`;
      cases.set(title, ownExceptions(by, fits));
    }
  }
  const result = await measure({
    builtIn: decision(plansWith([], 1)),
    ...Object.fromEntries([...cases].map(([title, plans]) => [title, decision(plans)])),
  });
  const builtIn = result.get('builtIn') ?? Number.NaN;
  process.stdout.write(
    `A whole decision (2 containers) with the built-in policy and no exceptions: ${us(builtIn).trim()}\n`,
  );
  for (const title of cases.keys()) {
    const cost = result.get(title) ?? Number.NaN;
    const ratio = cost / builtIn;
    goal(
      `${title}: ${us(cost).trim()}, ${ratio.toFixed(2)} × that (at most ${SPREAD_MAX})`,
      ratio <= SPREAD_MAX,
    );
  }
}

await bySize();
await byScale();
await besideBuiltIn();
process.stdout.write(
  missed === 0 ? 'bench:engine: every goal holds\n' : `bench:engine: ${missed} goals missed\n`,
);
