import { expect } from 'chai';
import { Agent } from 'node:https';
import { ClusterSource } from '../../../src/cluster/clusterSource.js';
import { NamespaceStore } from '../../../src/cluster/namespaceStore.js';
import type { NamespaceFacts } from '../../../src/policy/namespace.js';
import { BUILTIN_POLICIES } from '../../../src/policy/builtin.generated.js';
import { loadPolicyObject } from '../../../src/policy/load.js';
import type { Policy } from '../../../src/policy/policy.js';
import { PolicyError } from '../../../src/policy/policyError.js';
import { Metrics } from '../../../src/telemetry/metrics.js';
import { pod, requestOf, responseOf, reviewOf } from '../../admission/support/reviews.js';
import { json, status, type Answer, type ApiServer } from '../../cluster/support/apiServer.js';
import { LogLines } from '../../cluster/support/logLines.js';
import { Forwarder } from '../../e2e/support/forwarder.js';
import { freePort } from '../../e2e/support/freePort.js';
import type { KubeHarden } from '../../e2e/support/kubeHarden.js';
import { eventually, pause } from '../../e2e/support/wait.js';
import { get, post } from '../support/clients.js';
import {
  NAMESPACES,
  POLICIES,
  QUOTAS,
  RANGES,
  WATCHED,
  emptyApiServer,
  namespaceObject,
  serveCluster,
} from './support/clusterProcess.js';
import { rounded } from './support/latencies.js';
import { LONG, print } from './support/serveProcess.js';

/*
 * Each of these faults alone: test/cluster/reflector.test.ts and watchStream.test.ts; with a real API server and etcd:
 * test/e2e/90-faults.test.ts. Here: all of them, a thousand times over, and then whether the cache is the truth.
 */

const CUTS = 1000;
const NAMES = 40;
const MANY = 10_000;
const PROCESS_ROUNDS = LONG ? 40 : 5;
const CAUGHT_UP_MS = 20_000;

/** The same throws in each run: what fails can be looked at again. */
class Dice {
  constructor(private state: number) {}

  /** From 0, below `sides`. */
  throw(sides: number): number {
    // Numerical Recipes' linear congruence; its high bits are good enough for this.
    this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.state / 2 ** 32) * sides);
  }

  of<T>(items: readonly T[]): T {
    return items[this.throw(items.length)] as T;
  }
}

/** What happens in a cluster: each call changes one thing. */
class Changes {
  made = 0;
  readonly names = Array.from({ length: NAMES }, (_, index) => `ns-${index}`);
  private generation = 0;

  constructor(
    private readonly server: ApiServer,
    private readonly dice: Dice,
  ) {}

  one(): void {
    this.made += 1;
    const { dice, server } = this;
    const namespace = dice.of(this.names);
    const metadata = { name: dice.of(['a', 'b']), namespace };
    switch (dice.throw(6)) {
      case 0:
        this.remove(NAMESPACES, namespace);
        break;
      case 1:
        this.remove(dice.of([RANGES, QUOTAS]), `${namespace}/${metadata.name}`);
        break;
      case 2: {
        const limits = [{ type: 'Container', max: { cpu: `${1 + dice.throw(4)}` } }];
        server.put(RANGES, { metadata, spec: { limits } });
        break;
      }
      case 3:
        server.put(QUOTAS, { metadata, spec: { hard: { [dice.of(['cpu', 'memory'])]: '4' } } });
        break;
      case 4:
        this.policy(dice.of(['p-0', 'p-1', 'default']));
        break;
      default: {
        const mode = dice.of(['enforce', 'audit', 'disabled']);
        const policy = dice.of(['p-0', 'p-1', 'restricted', 'unknown']);
        server.put(NAMESPACES, namespaceObject(namespace, { mode, policy }));
      }
    }
  }

  private policy(name: string): void {
    this.generation += 1;
    const { dice, server } = this;
    if (dice.throw(4) === 0) {
      this.remove(POLICIES, name);
      return;
    }
    const value = dice.throw(4) === 0 ? 'wrong' : 1000 + dice.throw(1000);
    server.put(POLICIES, {
      apiVersion: 'kube-harden.io/v1alpha1',
      kind: 'HardeningPolicy',
      metadata: { name, uid: name, generation: this.generation },
      spec: { rules: { runAsUser: { action: 'Default', value } } },
    });
  }

  private remove(path: string, key: string): void {
    const isThere = this.server
      .objects(path)
      .some(({ metadata }) => [metadata?.namespace, metadata?.name].filter(Boolean).join('/') === key);
    if (isThere) this.server.remove(path, key);
  }
}

/** What can happen to watches, each by a name that is printed. */
const FAULTS: Readonly<Record<string, (server: ApiServer) => void>> = {
  cut: (server) => server.endWatches('cut'),
  'cut within a line': (server) => server.cutWithinLine(),
  ended: (server) => server.endWatches(),
  'ended by 410 in the stream': (server) => {
    for (const path of WATCHED)
      server.send(path, 'ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' });
  },
  'cut, then 410': (server) => {
    server.compact();
    server.endWatches('cut');
  },
  'cut, then 500 to the next three': (server) => {
    answerNext(server, 3, status(500, 'etcd is gone'));
    server.endWatches('cut');
  },
  // From something between us and the API server; its version is beyond all that will come.
  'cut, then 410 and lists that are none': (server) => {
    answerNext(server, WATCHED.length, json({ metadata: { resourceVersion: '99999999' } }), {
      watches: false,
    });
    server.compact();
    server.endWatches('cut');
  },
};

function answerNext(server: ApiServer, times: number, answer: Answer, { watches = true } = {}): void {
  let left = times;
  server.intercept = ({ isWatch }) => {
    if (left === 0 || (isWatch && !watches)) return undefined;
    left -= 1;
    return answer;
  };
}

describe('16. an API server that is away', () => {
  it(`is not there at the start: live, not ready, nothing admitted; ready by itself when it comes`, async function () {
    this.timeout(60_000);
    const port = await freePort();
    const replica = await serveCluster(port, { waitReady: false });
    const failed = new Map<number, number>();
    const ask = async (): Promise<void> => {
      const reply = await decision(replica, 'shop');
      failed.set(reply.status, (failed.get(reply.status) ?? 0) + 1);
    };
    const began = performance.now();
    while (performance.now() - began < 1000) {
      await ask();
      expect((await get(`${replica.opsUrl}/livez`)).text).to.equal('ok');
      expect((await replica.ready()).status).to.equal(503);
    }
    const { text } = await replica.ready(true);
    for (const resource of ['namespaces', 'limitranges', 'resourcequotas', 'hardeningpolicies'])
      expect(text).to.match(new RegExp(`\\[-\\]watch-${resource} failed: not read yet \\(.*ECONNREFUSED`));

    // It listens, and is not well yet.
    const server = await emptyApiServer(port);
    server.put(NAMESPACES, namespaceObject('shop'));
    server.intercept = () => status(503, 'storage is (re)initializing');
    await eventually('asked', () => server.requests.length >= 4);
    await ask();
    expect((await replica.ready()).status).to.equal(503);

    server.intercept = () => undefined;
    const came = performance.now();
    await replica.becomesReady();
    const ready = performance.now() - came;
    expect([...failed.keys()]).to.deep.equal([500]);
    expect((await decision(replica, 'shop')).did).to.equal('hardened');
    print(
      `${failed.get(500) ?? 0} requests failed with 500 meanwhile, 0 admitted; ready ${rounded(ready)} ms after it came`,
    );
    expect(await replica.stop()).to.deep.equal({ code: 0, signal: null });
    server.close();
  });

  it(`cuts watches ${CUTS} times, in every way: the cache is the truth afterwards`, async function () {
    this.timeout(120_000);
    const server = await emptyApiServer();
    const dice = new Dice(16);
    const changes = new Changes(server, dice);
    const source = sourceOf(server);
    for (let change = 0; change < 100; change += 1) changes.one();
    source.start();
    await isWatched(server);
    const kinds = Object.keys(FAULTS);
    let cuts = 0;
    let missed = 0;
    let compared = 0;
    for (let round = 0; cuts < CUTS; round += 1) {
      for (let change = dice.throw(4); change > 0; change -= 1) changes.one();
      // One that does not come leaves the watch to go on from further back, or to be refused with 410.
      if (dice.throw(2) === 0) missed += 1;
      else for (const path of WATCHED) server.bookmark(path);
      const before = watchesOf(server);
      cuts += before.open;
      FAULTS[kinds[round % kinds.length] ?? 'cut']?.(server);
      for (let change = dice.throw(4); change > 0; change -= 1) changes.one();
      await isWatched(server, before);
      if (round % 25 === 0) compared += await isTheTruth(source, server, changes.names);
    }
    compared += await isTheTruth(source, server, changes.names);
    const lists = sumOf(WATCHED, (path) => server.lists(path).length);
    print(
      `${cuts} watches cut in ${kinds.length} ways, ${missed} bookmarks missed, ${changes.made} changes, ${lists} lists; ` +
        `${compared} namespaces and policies compared, 0 differ`,
    );
    source.close();
    server.close();
  });

  it(`lists ${MANY} in pages, of which one has expired, while they change: the cache is the truth afterwards`, async function () {
    this.timeout(60_000);
    const server = await emptyApiServer();
    const names = manyNamespaces(server);
    let expired = 0;
    server.intercept = ({ query }) => {
      const from = Number(query['continue'] ?? 0);
      if (from > 0) server.put(NAMESPACES, namespaceObject(`ns-${from}`, { mode: 'audit', page: `${from}` }));
      if (from !== 5000 || expired > 0) return undefined;
      expired += 1;
      server.remove(NAMESPACES, 'ns-9999');
      return status(410, 'the provided continue parameter is too old', 'Expired');
    };
    const source = sourceOf(server);
    const began = performance.now();
    source.start();
    await isWatched(server);
    const compared = await isTheTruth(source, server, names);
    const pages = server.lists(NAMESPACES).length;
    print(
      `${MANY} namespaces in ${pages} pages, ${expired} expired; ${compared} compared after ${rounded(performance.now() - began)} ms, 0 differ`,
    );
    expect(pages).to.equal(11 + MANY / 500);
    expect(source.plans.store.get('ns-9999')).to.equal(undefined);
    source.close();
    server.close();
  });

  it('cuts the connections of a process that knows as many, under load: its decisions are those of the truth', async function () {
    this.timeout(LONG ? 600_000 : 60_000);
    const server = await emptyApiServer();
    const dice = new Dice(61);
    manyNamespaces(server);
    server.put(NAMESPACES, namespaceObject('steady'));
    const door = await Forwarder.start({ backends: [{ port: server.port }] });
    const replica = await serveCluster(door.port);
    const objects = await replica.metric('kube_harden_watched_objects', { resource: 'namespaces' });
    expect(objects).to.equal(MANY + 1);

    const load = new SteadyLoad(replica);
    let cuts = 0;
    const touched = new Set<string>();
    const change = (): void => {
      const name = `ns-${dice.throw(MANY)}`;
      touched.add(name);
      const isThere = server.objects(NAMESPACES).some(({ metadata }) => metadata?.name === name);
      if (isThere && dice.throw(4) === 0) server.remove(NAMESPACES, name);
      else server.put(NAMESPACES, namespaceObject(name, { mode: dice.of(['enforce', 'audit', 'disabled']) }));
    };
    for (let round = 0; round < PROCESS_ROUNDS; round += 1) {
      for (let index = 0; index < 10; index += 1) change();
      const before = watchesOf(server);
      if (round % 3 === 2) server.compact();
      if (round % 4 === 3) door.setBackends([]);
      cuts += door.cut();
      for (let index = 0; index < 10; index += 1) change();
      if (round % 4 === 3) await pause(300);
      door.setBackends([{ port: server.port }]);
      await isWatched(server, before);
    }
    for (let index = 0; index < 200; index += 1) touched.add(`ns-${dice.throw(MANY)}`);
    const differ = (): Promise<string[]> => differences(replica, server, touched);
    await eventually('decisions of the truth', async () => (await differ()).length === 0, CAUGHT_UP_MS);
    await load.stop();
    print(
      `${cuts} connections cut in ${PROCESS_ROUNDS} rounds; ${load.served} requests answered meanwhile, 0 failed; ` +
        `${touched.size} of ${MANY} namespaces compared by decision, 0 differ`,
    );
    expect(cuts).to.be.at.least(PROCESS_ROUNDS * WATCHED.length);
    expect((await replica.ready()).status).to.equal(200);
    expect(await replica.stop()).to.deep.equal({ code: 0, signal: null });
    await door.close();
    server.close();
  });
});

function sourceOf(server: ApiServer): ClusterSource {
  return new ClusterSource({
    connection: server,
    ownNamespace: 'kube-harden',
    identity: 'replica-1',
    basePolicies: () => BUILTIN_POLICIES,
    metrics: new Metrics({ version: 'test' }),
    logger: new LogLines(),
    clock: Date.now,
    timings: { backOffMs: 1, longestBackOffMs: 4 },
  });
}

/** @returns their names */
function manyNamespaces(server: ApiServer): string[] {
  const names = Array.from({ length: MANY }, (_, index) => `ns-${index}`);
  const modes = ['enforce', 'audit', 'disabled'];
  for (const [index, name] of names.entries())
    server.put(NAMESPACES, namespaceObject(name, { mode: modes[index % modes.length] ?? '' }));
  // They were there before anybody watched.
  server.compact();
  return names;
}

function sumOf<T>(items: readonly T[], amount: (item: T) => number): number {
  return items.reduce((sum, item) => sum + amount(item), 0);
}

interface Watches {
  readonly open: number;
  /** By path, how many there have been. */
  readonly begun: ReadonlyMap<string, number>;
}

function watchesOf(server: ApiServer): Watches {
  return {
    open: sumOf(WATCHED, (path) => server.watching(path)),
    begun: new Map(WATCHED.map((path) => [path, server.watched(path).length])),
  };
}

/** Each resource is watched, by a connection that is newer than those `before`. */
async function isWatched(server: ApiServer, before?: Watches): Promise<void> {
  await eventually(
    'all watched again',
    () =>
      WATCHED.every(
        (path) => server.watching(path) === 1 && server.watched(path).length > (before?.begun.get(path) ?? 0),
      ),
    CAUGHT_UP_MS,
    2,
  );
}

/** Waits until what is known is what there is. @returns how many namespaces and policies were compared */
async function isTheTruth(
  source: ClusterSource,
  server: ApiServer,
  names: readonly string[],
): Promise<number> {
  const facts = new NamespaceStore(() => undefined);
  for (const object of server.objects(NAMESPACES)) facts.namespaces.put(object);
  for (const object of server.objects(RANGES)) facts.limitRanges.put(object);
  for (const object of server.objects(QUOTAS)) facts.resourceQuotas.put(object);
  const { good, broken } = policiesOf(server);
  const known = (): { facts: (NamespaceFacts | undefined)[]; policies: readonly Policy[] } => ({
    facts: names.map((name) => source.plans.store.get(name)),
    // Of one that is broken, whether an earlier generation was ever seen is a matter of luck.
    policies: source.plans.policies.filter(({ name }) => !broken.has(name)),
  });
  const built = BUILTIN_POLICIES.filter(({ name }) => !good.has(name) && !broken.has(name));
  const truth = {
    facts: names.map((name) => facts.get(name)),
    policies: [...built, ...good.values()],
  };
  const sorted = ({ policies, ...rest }: ReturnType<typeof known>): object => ({
    ...rest,
    policies: [...policies].sort((a, b) => (a.name < b.name ? -1 : 1)),
  });
  let last: unknown;
  await eventually(
    'the cache is the truth',
    () => {
      try {
        expect(sorted(known())).to.deep.equal(sorted(truth));
        return true;
      } catch (error) {
        last = error;
        return false;
      }
    },
    CAUGHT_UP_MS,
    5,
  ).catch(() => {
    throw last;
  });
  return names.length + truth.policies.length;
}

function policiesOf(server: ApiServer): { good: Map<string, Policy>; broken: Set<string> } {
  const good = new Map<string, Policy>();
  const broken = new Set<string>();
  for (const object of server.objects(POLICIES)) {
    const name = object.metadata?.name ?? '';
    try {
      good.set(name, loadPolicyObject(object));
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      broken.add(name);
    }
  }
  return { good, broken };
}

interface Decided {
  readonly status: number;
  readonly did: 'hardened' | 'warned' | 'nothing' | 'failed';
}

/** Over connections that are kept, as an API server does. */
const agent = new Agent({ keepAlive: true });
after(() => agent.destroy());

/** By no entry of the configuration: nothing but the cache decides. */
async function decision({ admissionPort }: KubeHarden, namespace: string): Promise<Decided> {
  const review = reviewOf(requestOf(pod({}, { namespace })));
  const reply = await post(admissionPort, review, { agent });
  if (reply.status !== 200) return { status: reply.status, did: 'failed' };
  const { operations, warnings = [] } = responseOf({ body: reply.text });
  return {
    status: 200,
    did: operations.length > 0 ? 'hardened' : warnings.length > 0 ? 'warned' : 'nothing',
  };
}

/** One request after the other in a namespace that nobody changes: each is hardened. */
class SteadyLoad {
  served = 0;
  private stopping = false;
  private readonly running: Promise<void>;

  constructor(private readonly replica: KubeHarden) {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      expect((await decision(this.replica, 'steady')).did).to.equal('hardened');
      this.served += 1;
    }
  }
}

/** Namespaces in which the process does something else than their labels say. */
async function differences(
  replica: KubeHarden,
  server: ApiServer,
  names: Iterable<string>,
): Promise<string[]> {
  const modes = new Map(
    server
      .objects(NAMESPACES)
      .map(({ metadata }) => [metadata?.name, metadata?.labels?.['kube-harden.io/mode']]),
  );
  const does = { enforce: 'hardened', audit: 'warned', disabled: 'nothing' };
  const found: string[] = [];
  for (const name of names) {
    const mode = modes.get(name) as keyof typeof does | undefined;
    const { did } = await decision(replica, name);
    if (did !== (mode === undefined ? 'failed' : does[mode])) found.push(name);
  }
  return found;
}
