import { expect } from 'chai';
import { Agent } from 'node:https';
import { ClusterSource } from '../../../src/cluster/clusterSource.js';
import { NamespaceStore } from '../../../src/cluster/namespaceStore.js';
import type { NamespaceFacts } from '../../../src/policy/namespace.js';
import { BUILTIN_POLICIES } from '../../../src/policy/builtin.generated.js';
import { loadPolicyObject } from '../../../src/policy/load.js';
import { PlanBook } from '../../../src/policy/planBook.js';
import type { Policy } from '../../../src/policy/policy.js';
import { PolicyError } from '../../../src/policy/policyError.js';
import { Metrics } from '../../../src/telemetry/metrics.js';
import { handlerFor, pod, requestOf, responseOf, reviewOf } from '../../admission/support/reviews.js';
import { json, status, type Answer, type ApiServer } from '../../cluster/support/apiServer.js';
import { LogLines } from '../../cluster/support/logLines.js';
import { freePort } from '../../e2e/support/freePort.js';
import type { KubeHarden } from '../../e2e/support/kubeHarden.js';
import { eventually, pause } from '../../e2e/support/wait.js';
import { get, post, type Reply } from '../support/clients.js';
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
import { WatchDoor } from './support/watchDoor.js';

/*
 * Each of these faults alone: test/cluster/reflector.test.ts and watchStream.test.ts; with a real API server and etcd:
 * test/e2e/90-faults.test.ts. Here: all of them, a thousand times over, and then whether the cache is the truth.
 */

const CUTS = 1000;
const NAMES = Array.from({ length: 40 }, (_, index) => `ns-${index}`);
const MANY = 10_000;
const CAUGHT_UP_MS = 20_000;
/**
 * Of a process, whose back-off is that of every day: it bounds how many watches can be cut in a time. On two busy cores
 * it was three a second.
 */
const PROCESS_CUTTING_MS = 15_000;
const PROCESS_CUTS = LONG ? CUTS : 30;
/** A watch that has lasted for a second has worked: the back-off begins anew with it. */
const LASTING_MS = 1050;

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
  /** The namespaces of what was changed. */
  readonly touched = new Set<string>();
  private generation = 0;

  constructor(
    private readonly server: ApiServer,
    private readonly dice: Dice,
    private readonly names: readonly string[] = NAMES,
    /** Of so many policies one does not load; without it all do. */
    private readonly oneBrokenOf = 4,
  ) {}

  one(): void {
    this.made += 1;
    const { dice, server } = this;
    const namespace = dice.of(this.names);
    this.touched.add(namespace);
    const metadata = { name: dice.of(['a', 'b']), namespace };
    switch (dice.throw(6)) {
      case 0:
        this.remove(NAMESPACES, namespace);
        break;
      case 1:
        this.remove(dice.of([RANGES, QUOTAS]), `${namespace}/${metadata.name}`);
        break;
      case 2: {
        const limits = [{ type: 'Container', max: { cpu: `${100 * (1 + dice.throw(20))}m` } }];
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
    const value = dice.throw(this.oneBrokenOf) === 0 ? 'wrong' : 1000 + dice.throw(1000);
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

type Fault = (server: ApiServer) => void;

/** The connections of all watches are cut. */
const CUTTING: Readonly<Record<string, Fault>> = {
  cut: (server) => server.endWatches('cut'),
  'cut within a line': (server) => server.cutWithinLine(),
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

/** They end, and no connection is cut. */
const ENDING: Readonly<Record<string, Fault>> = {
  ended: (server) => server.endWatches(),
  'ended by 410 in the stream': (server) => {
    for (const path of WATCHED) server.send(path, 'ERROR', EXPIRED);
  },
};

const EXPIRED = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' };

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

  it(`cuts ${CUTS} watches of a source within this process, and ends others: the cache is the truth afterwards`, async function () {
    this.timeout(120_000);
    const server = await emptyApiServer();
    const dice = new Dice(16);
    const changes = new Changes(server, dice);
    const source = sourceOf(server);
    for (let change = 0; change < 100; change += 1) changes.one();
    source.start();
    await isWatched(server);
    const faults = [...Object.values(CUTTING), ...Object.values(ENDING)];
    let [cuts, ended, missed, compared] = [0, 0, 0, 0];
    for (let round = 0; cuts < CUTS; round += 1) {
      for (let change = dice.throw(4); change > 0; change -= 1) changes.one();
      // One that does not come leaves the watch to go on from further back, or to be refused with 410.
      if (dice.throw(2) === 0) missed += 1;
      else for (const path of WATCHED) server.bookmark(path);
      const before = watchesOf(server);
      const kind = round % faults.length;
      if (kind < Object.keys(CUTTING).length) cuts += before.open;
      else ended += before.open;
      faults[kind]?.(server);
      for (let change = dice.throw(4); change > 0; change -= 1) changes.one();
      await isWatched(server, before);
      if (round % 25 === 0) compared += await isTheTruth(source, server, NAMES);
    }
    compared += await isTheTruth(source, server, NAMES);
    const lists = sumOf(WATCHED, (path) => server.lists(path).length);
    print(
      `${cuts} watches cut in ${Object.keys(CUTTING).length} ways, ${ended} ended in ${Object.keys(ENDING).length}; ` +
        `${missed} bookmarks missed, ${changes.made} changes, ${lists} lists; ` +
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

  it('cuts the watches of a process that knows as many, under load: its cache is the truth', async function () {
    this.timeout(LONG ? 600_000 : 120_000);
    const server = await emptyApiServer();
    const dice = new Dice(61);
    const names = manyNamespaces(server);
    server.put(NAMESPACES, namespaceObject('steady'));
    server.put(NAMESPACES, namespaceObject(LAST, { mode: 'audit', policy: LAST }));
    const door = await WatchDoor.start(server.port);
    const replica = await serveCluster(door.port);
    expect(await watchedObjects(replica)).to.deep.equal([MANY + 2, 0, 0, 0]);

    const load = new SteadyLoad(replica);
    const changes = new Changes(server, dice, names, Infinity);
    const began = performance.now();
    const took = (): number => performance.now() - began;
    const tearing = new Tearing({
      server,
      door,
      changes,
      isOver: () =>
        door.cuts() >= PROCESS_CUTS &&
        WATCHED.every((path) => door.cuts(path) >= PROCESS_CUTS / 8) &&
        (LONG || took() >= PROCESS_CUTTING_MS),
    });
    await tearing.run();
    const seconds = took() / 1000;
    const cuts = door.cuts();
    const begun = sumOf(WATCHED, (path) => server.watched(path).length);
    await lastChanges(replica, server);
    await load.stop();

    // Asked only now: a question about a namespace that it does not know would mend what it does not know.
    expect(await replica.metric('kube_harden_namespace_lookups_total')).to.equal(0);
    expect(await watchedObjects(replica)).to.deep.equal(WATCHED.map((path) => server.objects(path).length));
    const there = server.objects(NAMESPACES).map(({ metadata }) => metadata?.name ?? '');
    const gone = [...changes.touched].filter((name) => !there.includes(name));
    const compared = await compare(replica, server, there);
    expect(compared.differ).to.deep.equal([]);
    const lookUps = await replica.metric('kube_harden_namespace_lookups_total');
    expect(lookUps, 'answered from the cache').to.equal(0);
    // What is gone is not in the cache either: each is looked up, and is not there.
    for (const name of gone) expect((await decision(replica, name)).did).to.equal('failed');
    const missing = { reason: 'unknown', result: 'failed' };
    expect(await replica.metric('kube_harden_namespace_lookups_total')).to.equal(gone.length);
    expect(await replica.metric('kube_harden_namespace_lookups_total', missing)).to.equal(gone.length);

    const byKind = WATCHED.map((path) => door.cuts(path)).join(' + ');
    print(
      `${cuts} connections of watches cut (${byKind}) in ${rounded(seconds)} s in ${tearing.ways} ways, ` +
        `${tearing.ended} watches ended by 410 besides, ${tearing.outages} outages; ` +
        `${tearing.missed} bookmarks missed, ${changes.made} changes, ` +
        `${sumOf(WATCHED, (path) => server.lists(path).length)} pages listed; ` +
        `${load.served} requests answered meanwhile, 0 failed`,
    );
    print(
      `${there.length} namespaces, ${changes.touched.size - gone.length} of them touched, compared by the words of ` +
        `${compared.answers} different answers, ${lookUps} looked up, 0 differ; ${gone.length} that are gone: none known; ` +
        `as many objects of each kind as there are`,
    );
    expect(cuts).to.be.at.least(PROCESS_CUTS);
    for (const path of WATCHED) expect(door.cuts(path), path).to.be.at.least(PROCESS_CUTS / 8);
    expect(tearing.outages).to.be.at.least(1);
    // After each cut it has watched again.
    expect(begun).to.be.at.least(cuts + WATCHED.length);
    expect(compared.answers).to.be.at.least(10);
    expect((await replica.ready()).status).to.equal(200);
    expect(await replica.stop()).to.deep.equal({ code: 0, signal: null });
    await door.close();
    server.close();
  });
});

/** The namespace in which the last change of each kind is made, and its policy. */
const LAST = 'last';

interface TearingOptions {
  readonly server: ApiServer;
  readonly door: WatchDoor;
  readonly changes: Changes;
  readonly isOver: () => boolean;
}

/** Cuts the watches of a process one by one, each whenever it is there again, and now and then all at once. */
class Tearing {
  ended = 0;
  missed = 0;
  outages = 0;
  private readonly done = new Set<string>();
  /** What is answered next, of a collection, in place of the API server. */
  private readonly answers = new Map<string, { left: number; answer: Answer; watches: boolean }>();

  constructor(private readonly options: TearingOptions) {}

  /** In how many ways watches were cut. */
  get ways(): number {
    return this.done.size;
  }

  /** @returns when it is over, and everything is watched again */
  async run(): Promise<void> {
    const { server } = this.options;
    server.intercept = ({ path, isWatch }) => {
      const next = this.answers.get(path);
      if (next === undefined || next.left === 0 || (isWatch && !next.watches)) return undefined;
      next.left -= 1;
      return next.answer;
    };
    await Promise.all([
      ...WATCHED.map((path, index) => this.watch(path, new Dice(610 + index))),
      this.outagesNowAndThen(),
    ]);
    this.answers.clear();
    await isWatched(server);
  }

  private async watch(path: string, dice: Dice): Promise<void> {
    const { server, door, changes, isOver } = this.options;
    let atOnce = 0;
    for (;;) {
      await eventually(`${path} watched`, () => isOver() || door.isWatched(path), CAUGHT_UP_MS, 2);
      if (isOver()) return;
      for (let change = dice.throw(3); change > 0; change -= 1) changes.one();
      // Cut at once, so that the back-off grows; after a time or two, seldom more, it may begin anew.
      atOnce += 1;
      if (atOnce > 1 && dice.throw(4) > 0) {
        await pause(LASTING_MS);
        atOnce = 0;
      }
      if (dice.throw(2) === 0) this.missed += 1;
      else server.bookmark(path);
      const kind = dice.of(KINDS);
      if (kind === 'ended by 410 in the stream') {
        if (door.isWatched(path)) this.ended += 1;
        server.send(path, 'ERROR', EXPIRED);
        await eventually(`${path} given up`, () => !door.isWatched(path), CAUGHT_UP_MS, 1);
      } else if (this.cut(path, kind)) this.done.add(kind);
      for (let change = dice.throw(3); change > 0; change -= 1) changes.one();
    }
  }

  /** @returns false where an outage was faster */
  private cut(path: string, kind: Exclude<(typeof KINDS)[number], 'ended by 410 in the stream'>): boolean {
    const { server, door } = this.options;
    switch (kind) {
      case 'reset':
      case 'closed':
        return door.cut(path, kind);
      case 'closed within an event': {
        const isCut = door.cut(path, kind);
        server.bookmark(path);
        return isCut;
      }
      case 'reset, then 500 to the next two':
        this.answers.set(path, { left: 2, answer: status(500, 'etcd is gone'), watches: true });
        return door.cut(path, 'reset');
      case 'reset, then 410 and a list that is none':
        this.answers.set(path, {
          left: 1,
          answer: json({ metadata: { resourceVersion: '99999999' } }),
          watches: false,
        });
        break;
      case 'reset, then 410':
        break;
    }
    server.next();
    server.compact();
    return door.cut(path, 'reset');
  }

  private async outagesNowAndThen(): Promise<void> {
    const { door, isOver } = this.options;
    while (!isOver()) {
      await pause(5000);
      door.shut();
      await pause(300);
      door.open();
      this.outages += 1;
    }
  }
}

/**
 * What can happen to one watch of a process, each so many times of all: what fails more often before it works makes the
 * process wait for longer.
 */
const KINDS = [
  ...Array.from({ length: 8 }, () => 'reset' as const),
  ...Array.from({ length: 5 }, () => 'closed' as const),
  ...Array.from({ length: 5 }, () => 'closed within an event' as const),
  'reset, then 410',
  'reset, then 410',
  'reset, then 500 to the next two',
  'reset, then 410 and a list that is none',
  'ended by 410 in the stream',
] as const;

/**
 * One more change of each kind, all of one namespace, each of which its answer shows; once the process answers with
 * them it has heard of everything that was before. The namespace is known to it all the while.
 */
async function lastChanges(replica: KubeHarden, server: ApiServer): Promise<void> {
  const metadata = { name: 'a', namespace: LAST };
  const changes: (() => void)[] = [
    () => server.put(NAMESPACES, namespaceObject(LAST, { mode: 'enforce', policy: LAST })),
    () => server.put(RANGES, { metadata, spec: { limits: [{ type: 'Container', max: { cpu: '70m' } }] } }),
    () => server.put(QUOTAS, { metadata, spec: { hard: { 'limits.memory': '4Gi' } } }),
    () =>
      server.put(POLICIES, {
        apiVersion: 'kube-harden.io/v1alpha1',
        kind: 'HardeningPolicy',
        metadata: { name: LAST, uid: LAST, generation: 1 },
        spec: { rules: { runAsUser: { action: 'Default', value: 4242 } } },
      }),
  ];
  let truth = await truthOf(server)(LAST);
  for (const change of changes) {
    change();
    const before = truth;
    truth = await truthOf(server)(LAST);
    expect(truth).to.not.equal(before);
  }
  await eventually(
    'an answer by the last changes',
    async () => (await answerOf(replica, LAST)).text === truth,
    CAUGHT_UP_MS,
  );
}

async function watchedObjects(replica: KubeHarden): Promise<number[]> {
  return Promise.all(
    ['namespaces', 'limitranges', 'resourcequotas', 'hardeningpolicies'].map((resource) =>
      replica.metric('kube_harden_watched_objects', { resource }),
    ),
  );
}

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
  const { facts, policies, broken } = theTruth(server);
  const known = (): { facts: (NamespaceFacts | undefined)[]; policies: readonly Policy[] } => ({
    facts: names.map((name) => source.plans.store.get(name)),
    // Of one that is broken, whether an earlier generation was ever seen is a matter of luck.
    policies: source.plans.policies.filter(({ name }) => !broken.has(name)),
  });
  const truth = { facts: names.map((name) => facts.get(name)), policies };
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

/** What a replica is to know of what the API server has. */
function theTruth(server: ApiServer): {
  facts: NamespaceStore;
  /** But for those that are broken. */
  policies: Policy[];
  broken: Set<string>;
} {
  const facts = new NamespaceStore(() => undefined);
  for (const object of server.objects(NAMESPACES)) facts.namespaces.put(object);
  for (const object of server.objects(RANGES)) facts.limitRanges.put(object);
  for (const object of server.objects(QUOTAS)) facts.resourceQuotas.put(object);
  const { good, broken } = policiesOf(server);
  const built = BUILTIN_POLICIES.filter(({ name }) => !good.has(name) && !broken.has(name));
  return { facts, policies: [...built, ...good.values()], broken };
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
function answerOf({ admissionPort }: KubeHarden, namespace: string): Promise<Reply> {
  return post(admissionPort, reviewIn(namespace), { agent });
}

function reviewIn(namespace: string): string {
  return reviewOf(requestOf(pod({}, { namespace })));
}

async function decision(replica: KubeHarden, namespace: string): Promise<Decided> {
  const reply = await answerOf(replica, namespace);
  if (reply.status !== 200) return { status: reply.status, did: 'failed' };
  const { operations, warnings = [] } = responseOf({ body: reply.text });
  return {
    status: 200,
    did: operations.length > 0 ? 'hardened' : warnings.length > 0 ? 'warned' : 'nothing',
  };
}

/** What is to be answered in a namespace, word for word, by what the API server has now. */
function truthOf(server: ApiServer): (namespace: string) => Promise<string> {
  const { facts, policies } = theTruth(server);
  const book = new PlanBook(policies, Date.now, 'kube-harden');
  const { answer } = handlerFor({
    planFor: (name) => {
      const known = facts.get(name);
      if (known === undefined) throw new Error(`there is no namespace ${name}`);
      return book.planFor(known);
    },
  });
  return async (namespace) => {
    const { status: code, body } = await answer(reviewIn(namespace));
    expect(code).to.equal(200);
    return body;
  };
}

/** Eight at a time. @returns the namespaces in which the process answers something else, and how many answers there were */
async function compare(
  replica: KubeHarden,
  server: ApiServer,
  names: readonly string[],
): Promise<{ differ: string[]; answers: number }> {
  const truth = truthOf(server);
  const answers = new Set<string>();
  const differ: string[] = [];
  const left = names.values();
  const some = async (): Promise<void> => {
    for (const name of left) {
      const { text } = await answerOf(replica, name);
      // What is the same but for the namespace's name is one answer.
      answers.add(withoutName(text, name));
      if (text !== (await truth(name))) differ.push(name);
    }
  };
  await Promise.all(Array.from({ length: 8 }, some));
  return { differ, answers: answers.size };
}

function withoutName(text: string, name: string): string {
  return JSON.stringify(responseOf({ body: text })).replaceAll(name, '');
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
