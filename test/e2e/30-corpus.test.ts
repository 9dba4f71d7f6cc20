import { expect } from 'chai';
import { corpusSource } from '../support/corpus.js';
import { podFromController } from '../support/controllerPod.js';
import { specWithEveryRule } from '../support/everyRule.js';
import type { ApiClient, ApiReply, Json } from './controlPlane/apiClient.js';
import { corpusSamples, dryRun, makeCorpusNamespace, type Sample } from './support/corpusSamples.js';
import { applyPolicy, BUILTIN_NAMES, mutatingBuiltins } from './support/hardeningPolicies.js';
import { world } from './support/world.js';

const CONNECTIONS = 16;
const CHANGED = 'kube-harden.io/changed';
const REFUSED_BY_US = 'admission webhook "enforce.kube-harden.io" denied the request: kube-harden refuses';

/** Those with every rule turned on, by the built-in policy that they start from. */
const EVERY_RULE = { default: 'default-every-rule', restricted: 'restricted-every-rule' } as const;
const POLICY_NAMES = [...BUILTIN_NAMES, EVERY_RULE.default, EVERY_RULE.restricted] as const;
type PolicyName = (typeof POLICY_NAMES)[number];

interface Judged extends Sample {
  readonly reply: ApiReply;
}

/** What came of objects that are valid without us, by kind. */
interface Tally {
  accepted: number;
  patched: number;
  refused: number;
}

/*
 * Promise 1, by the judge itself: what the API server takes without us, it takes with us.
 */
describe('the corpus', function () {
  this.timeout(120_000);

  let client: ApiClient;
  let plain: string;
  let judged: readonly Judged[];
  const enforced = new Map<PolicyName, string>();
  const mutated = new Map<PolicyName, string>();

  before(async () => {
    client = await world().controlPlane.client({ maxSockets: CONNECTIONS });
    const mutating = { ...(await mutatingBuiltins()), ...(await mutatingWithEveryRule()) };
    const made = (policy: string): Promise<string> =>
      makeCorpusNamespace(
        { 'kube-harden.io/mode': 'enforce', 'kube-harden.io/policy': policy },
        { 'kube-harden.io/uid-range': '1000680000/10000' },
      );
    plain = await makeCorpusNamespace();
    for (const name of POLICY_NAMES) {
      enforced.set(name, await made(name));
      mutated.set(name, await made(mutating[name]));
    }
    judged = await judgedIn(plain, corpusSamples());
  });

  after(() => client.close());

  it('is taken by the API server without us, but for what is not valid', () => {
    const refused = judged.filter(({ reply }) => reply.status !== 201);
    console.log(`      ${corpusSource()}: ${judged.length} objects, ${refused.length} not valid without us`);
    for (const { id, reply } of refused) console.log(`        ${id}: ${reasonOf(reply)}`);
    // An API of the past, or made to be wrong. More than that would empty the tests below.
    expect(refused.map(({ id }) => id)).to.have.length.below(judged.length / 10);
  });

  for (const name of POLICY_NAMES) {
    it(`is taken as before under the policy ${name}`, async () => {
      await expectStillValid(name, enforced.get(name), valid());
    });

    it(`is taken as before under the policy ${name}, its templates mutated`, async () => {
      const templates = valid().filter(({ kind }) => kind !== 'Pod');
      await expectStillValid(`${name}, templates: Mutate`, mutated.get(name), templates);
    });

    it(`is taken as before under the policy ${name}, as the Pods that controllers send`, async () => {
      const pods = await controllersPods();
      await expectStillValid(`${name}, controllers' Pods`, enforced.get(name), pods);
    });

    it(`is taken under the policy ${name} where a controller makes Pods of a mutated template`, async () => {
      const namespace = mutated.get(name) ?? '';
      const templates = valid().filter(({ kind }) => kind !== 'Pod');
      const stored = (await judgedIn(namespace, templates)).filter(({ reply }) => reply.status === 201);
      const pods = stored.map((sample) => ({ ...sample, object: podOf(sample.reply.body) }));
      await expectStillValid(`${name}, Pods of mutated templates`, namespace, pods);
    });
  }

  function valid(): Sample[] {
    return judged.filter(({ reply }) => reply.status === 201);
  }

  async function judgedIn(namespace: string, samples: readonly Sample[]): Promise<Judged[]> {
    return Promise.all(
      samples.map(async (sample) => ({ ...sample, reply: await dryRun(client, sample.object, namespace) })),
    );
  }

  /** Of the template as the API server stores it, and as far as it takes the Pod without us. */
  async function controllersPods(): Promise<Sample[]> {
    const pods = judged
      .filter(({ kind, reply }) => kind !== 'Pod' && reply.status === 201)
      .map((sample) => ({ ...sample, object: podOf(sample.reply.body) }));
    return (await judgedIn(plain, pods)).filter(({ reply }) => reply.status === 201);
  }

  async function expectStillValid(
    what: string,
    namespace: string | undefined,
    samples: readonly Sample[],
  ): Promise<void> {
    const began = performance.now();
    const tallies = new Map<string, Tally>();
    const invalid: string[] = [];
    for (const { id, kind, object, reply } of await judgedIn(namespace ?? '', samples)) {
      const tally = tallies.get(kind) ?? { accepted: 0, patched: 0, refused: 0 };
      tallies.set(kind, tally);
      const message = String(reply.body.message);
      if (reply.status === 201) {
        tally.accepted += 1;
        if (changedBy(reply.body) !== changedBy(object)) tally.patched += 1;
      } else if (message.startsWith(REFUSED_BY_US)) tally.refused += 1;
      else invalid.push(`${id}: ${reply.status} ${message}`);
    }
    console.log(`      ${what}: ${summary(tallies)} (${(performance.now() - began).toFixed(0)} ms)`);
    expect(invalid).to.deep.equal([]);
    const refused = [...tallies.values()].reduce((sum, tally) => sum + tally.refused, 0);
    // Of the built-in policies one refuses anything: a runtime socket.
    if (!what.startsWith('restricted')) expect(refused).to.equal(0);
  }
});

/** Puts both in force, as they are and with `templates: Mutate` under the names that this returns. */
async function mutatingWithEveryRule(): Promise<
  Record<(typeof EVERY_RULE)['default' | 'restricted'], string>
> {
  for (const base of ['default', 'restricted'] as const) {
    const spec = specWithEveryRule(base);
    await applyPolicy(EVERY_RULE[base], spec);
    await applyPolicy(`${EVERY_RULE[base]}-mutate`, { ...spec, templates: 'Mutate' });
  }
  return {
    [EVERY_RULE.default]: `${EVERY_RULE.default}-mutate`,
    [EVERY_RULE.restricted]: `${EVERY_RULE.restricted}-mutate`,
  };
}

function reasonOf({ body }: ApiReply): string {
  return String(body.message)
    .replace(/^\S+ "[^"]*" is invalid: /, '')
    .slice(0, 100);
}

/** It is written wherever something was changed, and only there. */
function changedBy({ metadata }: Json): unknown {
  return metadata?.annotations?.[CHANGED];
}

/** The Pod of a stored workload, for any namespace. */
function podOf(workload: Json): Json {
  const pod = podFromController(workload) as Json;
  delete pod.metadata.namespace;
  return pod;
}

/** `Pod 163 of 168, Job 3 of 6 (1 refused by us)`: patches that were not empty, of objects taken. */
function summary(tallies: ReadonlyMap<string, Tally>): string {
  const parts = [...tallies].map(([kind, { accepted, patched, refused }]) => {
    const denied = refused === 0 ? '' : ` (${refused} refused by us)`;
    return `${kind} ${patched} of ${accepted}${denied}`;
  });
  return `patched ${parts.sort().join(', ')}`;
}
