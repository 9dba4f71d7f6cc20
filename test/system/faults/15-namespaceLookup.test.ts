import { expect } from 'chai';
import { Agent } from 'node:https';
import type { Entry } from '../../../src/policy/planSource.js';
import { pod, requestOf, responseOf, reviewOf } from '../../admission/support/reviews.js';
import { cut, json, silence, status, type Answer, type ApiServer } from '../../cluster/support/apiServer.js';
import type { KubeHarden } from '../../e2e/support/kubeHarden.js';
import { eventually, post, type Reply } from '../support/clients.js';
import { NAMESPACES, emptyApiServer, namespaceObject, serveCluster } from './support/clusterProcess.js';
import { bound } from './support/bound.js';
import { rounded } from './support/latencies.js';
import { print } from './support/serveProcess.js';

/*
 * When a namespace is looked up, and who shares a look-up: test/cluster/clusterPlans.test.ts and clusterSource.test.ts;
 * with a real API server that is away, or whose watch is behind: test/e2e/90-faults.test.ts and 10-lookups.test.ts.
 * Here: all that may come back instead of a Namespace and its limits, at a real process.
 */

const ENTRIES: readonly Entry[] = ['any', 'enforce', 'audit'];
const HANGING = 100;

/** Answers that end a look-up at once. */
const WRONG: Readonly<Record<string, Answer>> = {
  'a cut connection': cut,
  'an answer cut short': (res) => {
    res.writeHead(200, { 'content-length': 1000 }).write('{"kind":"Namespace","metadata":{');
    setImmediate(() => res.destroy());
  },
  401: status(401, 'Unauthorized'),
  403: status(403, 'namespaces is forbidden', 'Forbidden'),
  404: status(404, 'not found', 'NotFound'),
  429: status(429, 'too many requests', 'TooManyRequests'),
  500: status(500, 'etcd is gone'),
  '503 that is no JSON': (res) => res.writeHead(503).end('<html>no backend</html>'),
  'a redirect': (res) => res.writeHead(302, { location: 'https://login.example/' }).end(),
  'no content': (res) => res.writeHead(204).end(),
  nothing: (res) => res.writeHead(200).end(),
  'a page for people': (res) => res.writeHead(200).end('<html>log in</html>'),
  'bytes that are no text': (res) => res.writeHead(200).end(Buffer.from([0xff, 0xfe, 0, 0x7b])),
  'half a document': (res) => res.writeHead(200).end('{"kind":"Namespace","metadata":{'),
  null: json(null),
  'an array': json([]),
  'a string': json('Namespace'),
  'an empty object': json({}),
  'a Status with 200': json({ kind: 'Status', status: 'Success', metadata: {} }),
};

/** Objects that are not the Namespace that was asked for, but might pass for one without labels. */
const NOT_IT: Readonly<Record<string, (name: string) => object>> = {
  'no kind': (name) => ({ metadata: { name, resourceVersion: '5' } }),
  'another kind': (name) => ({ kind: 'ConfigMap', metadata: { name, resourceVersion: '5' } }),
  'another namespace': () => named('other'),
  'a list': (name) => ({ kind: 'NamespaceList', metadata: { resourceVersion: '5' }, items: [named(name)] }),
  'no metadata': () => ({ kind: 'Namespace' }),
  'metadata null': () => ({ kind: 'Namespace', metadata: null }),
  'no resourceVersion': (name) => ({ kind: 'Namespace', metadata: { name } }),
  'labels that are text': (name) => ({
    kind: 'Namespace',
    metadata: { name, resourceVersion: '5', labels: 'kube-harden.io/mode=enforce' },
  }),
};

const NO_LIST: Readonly<Record<string, unknown>> = {
  'items that are text': { kind: 'LimitRangeList', items: 'none' },
  'items that are an object': { kind: 'LimitRangeList', items: {} },
  'an item that is null': { kind: 'LimitRangeList', items: [null] },
};

/** Answers that never end. */
const ENDLESS: Readonly<Record<string, Answer>> = {
  'no answer': silence,
  'a head and no body': (res) => {
    res.writeHead(200).flushHeaders();
  },
  'half a body': (res) => void res.writeHead(200).write('{"kind":"Namespace",'),
  'a byte now and then': (res) => {
    res.writeHead(200);
    const drip = setInterval(() => res.write(' '), 100);
    res.on('close', () => clearInterval(drip));
  },
};

describe('15. the look-up of a namespace', () => {
  let server: ApiServer;
  let replica: KubeHarden;
  /** By path, what is said in place of the truth. */
  const faults = new Map<string, Answer>();
  /** Over connections that are kept, as an API server does. */
  const agent = new Agent({ keepAlive: true });
  let made = 0;

  before(async () => {
    server = await emptyApiServer();
    server.put(NAMESPACES, namespaceObject('known'));
    server.intercept = ({ path, isWatch }) => (isWatch ? undefined : faults.get(path));
    replica = await serveCluster(server.port);
  });
  afterEach(async () => {
    expect((await replica.ready()).status).to.equal(200);
    expect(hardened(await ask('known', 'enforce'))).to.equal(true);
    expect(await replica.metric('kube_harden_uncaught_errors_total')).to.equal(0);
  });
  after(async () => {
    agent.destroy();
    expect(await replica.stop()).to.deep.equal({ code: 0, signal: null });
    server.close();
  });

  /** One that no watch has told of. */
  function unknown(labels?: Readonly<Record<string, string>>): string {
    made += 1;
    server.putSilently(NAMESPACES, namespaceObject(`new-${made}`, labels));
    return `new-${made}`;
  }

  /** Known as `audit`, and `enforce` since; of which no watch has told. */
  async function stale(): Promise<string> {
    made += 1;
    const name = `stale-${made}`;
    server.put(NAMESPACES, namespaceObject(name, { mode: 'audit' }));
    await eventually(async () => (await ask(name, 'any')).status === 200);
    server.putSilently(NAMESPACES, namespaceObject(name));
    return name;
  }

  function ask(namespace: string, entry: Entry, timeout = '5s'): Promise<Reply> {
    const review = reviewOf(requestOf(pod({}, { namespace })));
    const path = entry === 'any' ? '/mutate' : `/mutate/${entry}`;
    return post(replica.admissionPort, review, { agent }, `${path}?timeout=${timeout}`);
  }

  /** The request fails with an error that says which namespace; nothing is let through. */
  function expectFailed({ status: code, text }: Reply, what: string, name: string): void {
    expect(code, `${what}: ${text}`).to.equal(500);
    expect(JSON.parse(text), what).to.include({ kind: 'Status', status: 'Failure', code: 500 });
    expect(text, what).to.include(`namespace \\"${name}\\"`);
  }

  async function mended(name: string, what: string): Promise<void> {
    faults.clear();
    expect(hardened(await ask(name, 'enforce')), `${what}: the next request`).to.equal(true);
  }

  it('that is answered with anything but the Namespace and its limits fails the request; the next is fine', async function () {
    this.timeout(60_000);
    const kinds = new Set<string>();
    let failed = 0;
    let slowest = 0;
    for (const { entry, below } of [
      ...ENTRIES.map((each) => ({ entry: each, below: '' })),
      ...['/limitranges', '/resourcequotas'].map((each) => ({ entry: 'enforce' as const, below: each })),
    ]) {
      const answers = { ...WRONG, ...(below === '' ? perName() : lists()) };
      for (const [what, answer] of Object.entries(answers)) {
        const name = unknown();
        faults.set(`${NAMESPACES}/${name}${below}`, answer);
        const began = performance.now();
        expectFailed(await ask(name, entry), `${what} for ${below || 'the namespace'}`, name);
        slowest = Math.max(slowest, performance.now() - began);
        failed += 1;
        kinds.add(what);
        await mended(name, what);
      }
    }
    print(
      `${failed} look-ups answered wrongly in ${kinds.size} ways: ${failed} failed, 0 admitted; slowest ${rounded(slowest)} ms`,
    );
  });

  it('of one whose labels are behind fails likewise: what was known of it is no answer', async () => {
    const name = await stale();
    const answers = Object.entries({ ...WRONG, ...perName() });
    for (const [what, answer] of answers) {
      faults.set(`${NAMESPACES}/${name}`, answer);
      expectFailed(await ask(name, 'enforce'), what, name);
    }
    print(`${answers.length} look-ups of a stale namespace: all failed`);
    await mended(name, 'stale');
  });

  it('that hangs fails the request within its timeout', async () => {
    const old = await stale();
    const cases = Object.entries(ENDLESS).flatMap(([what, answer]) =>
      ['', '/limitranges', '/resourcequotas'].map((below) => ({ what, answer, name: unknown(), below })),
    );
    const took: number[] = [];
    const hang = async (name: string, what: string): Promise<void> => {
      const began = performance.now();
      expectFailed(await ask(name, 'enforce', '30s'), what, name);
      took.push(performance.now() - began);
    };
    for (const { answer, name, below } of cases) faults.set(`${NAMESPACES}/${name}${below}`, answer);
    faults.set(`${NAMESPACES}/${old}`, silence);
    await Promise.all([hang(old, 'stale'), ...cases.map(({ name, what }) => hang(name, what))]);
    print(
      `${took.length} look-ups that hang failed after ${rounded(Math.min(...took))} to ${rounded(Math.max(...took))} ms`,
    );
    // The manifests give 5 s; a look-up is given up after 2 s, so that its error arrives.
    expect(Math.max(...took)).to.be.below(5000);

    const began = performance.now();
    const short = await Promise.all(cases.map(({ name }) => ask(name, 'enforce', '1s')));
    const longest = performance.now() - began;
    print(
      `${short.length} of 1 s: answered within ${rounded(longest)} ms, status ${[...new Set(short.map((each) => each.status))].join(', ')}`,
    );
    expect(longest).to.be.below(bound(1000, 2500));
    for (const reply of short) expect([reply.status, reply.text]).to.satisfy(isLate);
    // Those that were given up by their request go on for a second more, and the next request shares them.
    faults.clear();
    for (const { name } of cases) await eventually(async () => hardened(await ask(name, 'enforce')));
  });

  it(`of ${HANGING} namespaces at once that all hang keeps nobody else waiting`, async () => {
    const names = Array.from({ length: HANGING }, () => unknown());
    for (const name of names) faults.set(`${NAMESPACES}/${name}`, silence);
    let answered = 0;
    const failing = Promise.all(names.map((name) => ask(name, 'enforce').finally(() => (answered += 1))));
    let served = 0;
    let slowest = 0;
    while (answered < HANGING) {
      const began = performance.now();
      expect(hardened(await ask('known', 'enforce'))).to.equal(true);
      slowest = Math.max(slowest, performance.now() - began);
      served += 1;
    }
    for (const [index, reply] of (await failing).entries())
      expectFailed(reply, 'a hundred', names[index] ?? '');
    print(
      `${HANGING} hanging look-ups failed; meanwhile ${served} of a known namespace were answered, the slowest in ${rounded(slowest)} ms`,
    );
    expect(served).to.be.above(0);
    faults.clear();
    for (const name of names) expect(hardened(await ask(name, 'enforce'))).to.equal(true);
  });
});

function named(name: string): object {
  return { ...namespaceObject(name), metadata: { name, resourceVersion: '5', labels: {} } };
}

/** As answers to whichever namespace is asked for. */
function perName(): Record<string, Answer> {
  return Object.fromEntries(
    Object.entries(NOT_IT).map(([what, object]) => [
      what,
      (res) => json(object(new URL(res.req.url ?? '', 'http://x').pathname.split('/').at(-1) ?? ''))(res),
    ]),
  );
}

function lists(): Record<string, Answer> {
  return Object.fromEntries(Object.entries(NO_LIST).map(([what, list]) => [what, json(list)]));
}

function hardened({ status: code, text }: Reply): boolean {
  return code === 200 && responseOf({ body: text }).operations.length > 0;
}

function isLate([code, text]: readonly [number, string]): boolean {
  return code === 504 && text.includes('no decision within the timeout');
}
