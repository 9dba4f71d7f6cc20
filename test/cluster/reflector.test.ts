import { expect } from 'chai';
import type { ApiObject } from '../../src/cluster/apiClient.js';
import { NamespaceStore } from '../../src/cluster/namespaceStore.js';
import { Reflector, type ReflectorOptions, type ReflectorTimings } from '../../src/cluster/reflector.js';
import { eventually, pause } from '../system/support/clients.js';
import { ApiServer, cut, json, silence, status, watchThat } from './support/apiServer.js';
import { LogLines } from './support/logLines.js';

const PATH = '/api/v1/namespaces';
const FAST: ReflectorTimings = {
  backOffMs: 4,
  longestBackOffMs: 20,
  silenceMs: 60_000,
  watchSeconds: [300, 600],
  resyncMs: 60_000,
  staleMs: 60_000,
};

function ns(name: string, mode = 'enforce'): ApiObject {
  return { metadata: { name, labels: { 'kube-harden.io/mode': mode } } };
}

describe('Reflector', () => {
  let server: ApiServer;
  let store: NamespaceStore;
  let logs: LogLines;
  let counts: { again: number; failed: number };
  let reflector: Reflector;
  let removed: string[];

  beforeEach(async () => {
    server = await ApiServer.start();
    logs = new LogLines();
    counts = { again: 0, failed: 0 };
    removed = [];
    store = new NamespaceStore((name) => {
      if (store.get(name) === undefined) removed.push(name);
    });
    server.put(PATH, ns('shop'));
  });
  afterEach(() => {
    reflector.stop();
    server.close();
  });

  function start(timings: Partial<ReflectorTimings> = {}, more: Partial<ReflectorOptions> = {}): Reflector {
    reflector = new Reflector({
      resource: 'namespaces',
      path: PATH,
      api: server.api,
      stream: server.stream,
      store: store.namespaces,
      metrics: {
        watching: () => undefined,
        listedAgain: () => (counts.again += 1),
        watchFailed: () => (counts.failed += 1),
      },
      logger: logs,
      timings: { ...FAST, ...timings },
      ...more,
    });
    reflector.start();
    return reflector;
  }

  async function watching(times = 1): Promise<void> {
    await eventually(() => server.watched(PATH).length >= times && server.watching(PATH) === 1);
  }

  const modeOf = (name: string): string | undefined => store.get(name)?.labels['kube-harden.io/mode'];

  it('lists in pages, then watches from the version of the list', async () => {
    for (let i = 0; i < 6; i += 1) server.put(PATH, ns(`n${i}`));
    server.pageSize = 3;
    start();
    await watching();
    expect(server.lists(PATH).map(({ query }) => query)).to.deep.equal([
      { limit: '500' },
      { limit: '500', continue: '3' },
      { limit: '500', continue: '6' },
    ]);
    expect(store.namespaces.size).to.equal(7);
    const [watched] = server.watched(PATH);
    expect(watched?.query).to.include({ resourceVersion: '107', allowWatchBookmarks: 'true' });
    expect(Number(watched?.query['timeoutSeconds'])).to.be.within(300, 600);
    expect(reflector).to.include({ isSynced: true, disconnectedMs: 0, problem: undefined });
  });

  it('follows what is added, modified and deleted', async () => {
    start();
    await watching();
    server.put(PATH, ns('new', 'audit'));
    await eventually(() => modeOf('new') === 'audit');
    server.put(PATH, ns('new', 'enforce'));
    await eventually(() => modeOf('new') === 'enforce');
    server.remove(PATH, 'new');
    await eventually(() => store.get('new') === undefined);
    expect(modeOf('shop')).to.equal('enforce');
    expect(server.lists(PATH)).to.have.length(1);
  });

  it('goes on from the last bookmark when a watch ends', async () => {
    start();
    await watching();
    server.send(PATH, 'BOOKMARK', { kind: 'Namespace', metadata: { resourceVersion: '4711' } });
    await pause(20);
    server.endWatches();
    await watching(2);
    expect(server.watched(PATH)[1]?.query['resourceVersion']).to.equal('4711');
    expect(server.lists(PATH)).to.have.length(1);
    expect(store.namespaces.size).to.equal(1);
  });

  it('goes on from the last event when the connection is cut', async () => {
    start();
    await watching();
    const { metadata } = server.put(PATH, ns('new'));
    await eventually(() => modeOf('new') === 'enforce');
    server.endWatches('cut');
    await watching(2);
    expect(server.watched(PATH)[1]?.query['resourceVersion']).to.equal(metadata?.resourceVersion);
    expect(counts.failed).to.equal(1);
  });

  const gone = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };
  for (const [how, answer] of [
    ['as a status', status(410, gone.message, gone.reason)],
    ['as an ERROR event', watchThat({ type: 'ERROR', object: gone })],
  ] as const) {
    it(`lists again after 410 ${how}; what was deleted meanwhile goes, nothing else ever does`, async () => {
      server.put(PATH, ns('other'));
      start();
      await watching();
      server.intercept = ({ isWatch }) => {
        if (!isWatch) return undefined;
        server.intercept = () => undefined;
        return answer;
      };
      server.removeSilently(PATH, 'other');
      server.putSilently(PATH, ns('new'));
      server.endWatches();
      await eventually(() => store.get('new') !== undefined && store.get('other') === undefined);
      await watching(3);
      expect(removed).to.deep.equal(['other']);
      expect(counts.again).to.equal(1);
    });
  }

  it('begins a list anew whose continuation has expired', async () => {
    for (let i = 0; i < 6; i += 1) server.put(PATH, ns(`n${i}`));
    server.pageSize = 4;
    let expired = 0;
    server.intercept = ({ query }) => {
      if (query['continue'] === undefined || expired > 0) return undefined;
      expired += 1;
      return status(410, 'the provided continue parameter is too old', 'Expired');
    };
    start();
    await watching();
    expect(store.namespaces.size).to.equal(7);
    expect(server.lists(PATH).map(({ query }) => query['continue'])).to.deep.equal([
      undefined,
      '4',
      undefined,
      '4',
    ]);
  });

  for (const [name, answer] of [
    ['500', status(500, 'etcd is gone')],
    ['a cut connection', cut],
  ] as const) {
    it(`backs off after ${name} and recovers by itself, with all that it knows`, async () => {
      start();
      await watching();
      server.intercept = () => answer;
      server.putSilently(PATH, ns('new'));
      server.endWatches('cut');
      await eventually(() => counts.failed >= 4);
      expect(reflector.disconnectedMs).to.be.greaterThan(0);
      expect(reflector.problem).to.be.a('string').and.not.equal('');
      expect(modeOf('shop')).to.equal('enforce');
      server.intercept = () => undefined;
      await eventually(() => reflector.disconnectedMs === 0);
      expect(reflector.problem).to.equal(undefined);
      expect(removed).to.deep.equal([]);
    });
  }

  it('backs off from a server that takes each watch and ends it at once', async () => {
    server.intercept = ({ isWatch }) => (isWatch ? watchThat() : undefined);
    start({ backOffMs: 4, longestBackOffMs: 100 });
    await eventually(() => server.watched(PATH).length >= 2);
    await pause(200);
    // 4 ms each time would be some 50.
    expect(server.watched(PATH).length).to.be.lessThan(14);
  });

  it('backs off from a server that answers each watch with 410 after a good list', async () => {
    server.intercept = ({ isWatch }) => (isWatch ? status(410, 'too old') : undefined);
    start({ backOffMs: 4, longestBackOffMs: 100 });
    await eventually(() => server.lists(PATH).length >= 2);
    await pause(200);
    expect(server.lists(PATH).length).to.be.lessThan(14);
  });

  it('lists at once after a 410 that comes of an outage, whatever the back-off was', async () => {
    start({ backOffMs: 500, longestBackOffMs: 60_000 });
    await watching();
    // Longer than a watch that counts as one that lasted.
    await pause(1050);
    let failed = 0;
    let refusedAt = Infinity;
    server.intercept = ({ isWatch }) => {
      if (!isWatch) return undefined;
      failed += 1;
      if (failed === 1) return cut;
      server.intercept = () => undefined;
      refusedAt = performance.now();
      return status(410, gone.message, gone.reason);
    };
    server.endWatches('cut');
    await eventually(() => server.lists(PATH).length === 2);
    // The third failure in a row would be waited after for one to two seconds.
    expect(performance.now() - refusedAt).to.be.lessThan(500);
    await watching(4);
  });

  it('takes a connection for dead that says nothing, and makes another', async () => {
    start({ silenceMs: 40 });
    await watching(3);
    expect(counts.failed).to.be.greaterThan(1);
    expect(server.lists(PATH)).to.have.length(1);
    expect(server.watching(PATH)).to.equal(1);
  });

  it('lists again after a while, and so mends an event that was lost', async () => {
    start({ resyncMs: 60 });
    await watching();
    server.putSilently(PATH, ns('lost'));
    await eventually(() => store.get('lost') !== undefined);
    expect(counts.again).to.be.greaterThan(0);
    expect(removed).to.deep.equal([]);
  });

  it('takes the next list for the truth where the cluster was set back to an earlier state', async () => {
    for (let change = 0; change < 20; change += 1) server.put(PATH, ns('shop', 'audit'));
    start({ resyncMs: 200 });
    await watching();
    server.put(PATH, ns('later', 'audit'));
    await eventually(() => modeOf('later') === 'audit');
    server.setBack(15);
    server.removeSilently(PATH, 'later');
    server.putSilently(PATH, ns('shop', 'enforce'));
    await eventually(() => modeOf('shop') === 'enforce' && modeOf('later') === undefined);
    expect(logs.texts.filter((text) => text.includes('set back'))).to.deep.equal([
      'warn the cluster was set back to an earlier state: what was known is replaced',
    ]);
    // And goes on from there.
    await eventually(() => server.watching(PATH) === 1);
    server.put(PATH, ns('shop', 'disabled'));
    await eventually(() => modeOf('shop') === 'disabled');
  });

  it('counts a resource that the server does not know as none, asks again, and finds it', async () => {
    server.intercept = () => status(404, 'the server could not find the requested resource');
    start({}, { mayBeMissing: true });
    await reflector.untilSynced();
    expect(reflector.isSynced).to.equal(true);
    expect(store.namespaces.size).to.equal(0);
    await eventually(() => server.lists(PATH).length >= 3);
    expect(logs.texts).to.deep.equal([
      'warn the API server does not know this resource: counted as none, and asked again',
    ]);
    server.intercept = () => undefined;
    await eventually(() => modeOf('shop') === 'enforce');
  });

  for (const [what, answer] of [
    ['an empty object', {}],
    ['a list without a version', { metadata: {}, items: [] }],
    ['a version without a list', { metadata: { resourceVersion: '200' } }],
    ['an object that is no list', { metadata: { resourceVersion: '200' }, items: {} }],
    ['a list of nothing', { metadata: { resourceVersion: '200' }, items: [null] }],
  ] as const) {
    it(`takes nothing away for ${what} where a list should be`, async () => {
      start({ resyncMs: 40 });
      await watching();
      server.intercept = ({ isWatch }) => (isWatch ? undefined : json(answer));
      await eventually(() => counts.failed >= 3);
      expect(modeOf('shop')).to.equal('enforce');
      expect(removed).to.deep.equal([]);
      server.intercept = () => undefined;
      server.putSilently(PATH, ns('new'));
      await eventually(() => modeOf('new') === 'enforce');
    });
  }

  it('takes a list whose items are null for an empty one, as Go may write it', async () => {
    server.intercept = ({ isWatch }) =>
      isWatch ? undefined : json({ metadata: { resourceVersion: '200' }, items: null });
    start();
    await reflector.untilSynced();
    expect(store.namespaces.size).to.equal(0);
  });

  it('after a first list a 404 takes nothing away', async () => {
    start({ resyncMs: 40 }, { mayBeMissing: true });
    await watching();
    server.intercept = () => status(404, 'the server could not find the requested resource');
    await eventually(() => counts.failed >= 3);
    expect(modeOf('shop')).to.equal('enforce');
    expect(removed).to.deep.equal([]);
  });

  for (const code of [403, 404]) {
    it(`is not synced by ${code} on its first list, and tells why`, async () => {
      server.intercept = () => status(code, 'namespaces is forbidden');
      start();
      await eventually(() => counts.failed >= 3);
      expect(reflector).to.include({ isSynced: false, problem: 'namespaces is forbidden' });
      expect(reflector.disconnectedMs).to.be.greaterThan(0);
    });
  }

  it('tells once that it is stale, and once that it works again', async () => {
    start({ staleMs: 20 });
    await watching();
    server.intercept = () => status(500, 'etcd is gone');
    server.endWatches('cut');
    await eventually(() => logs.texts.length > 0);
    await pause(60);
    expect(logs.texts).to.deep.equal(['error watch is stale: decisions go on from what is known']);
    expect(logs.lines.find(({ level }) => level === 'error')?.fields).to.include({
      resource: 'namespaces',
      reason: 'the API server answered 500 Internal Server Error',
      synced: true,
    });
    server.intercept = () => undefined;
    await eventually(() => logs.texts.length > 1);
    await pause(40);
    expect(logs.texts.slice(1)).to.deep.equal(['info watch works again']);
  });

  it('stop ends its watch and asks nothing more', async () => {
    start();
    await watching();
    reflector.stop();
    await eventually(() => server.watching(PATH) === 0);
    const asked = server.requests.length;
    await pause(60);
    expect(server.requests).to.have.length(asked);
  });

  it('stop while a list is under way begins no watch after it', async () => {
    let release: () => void = () => undefined;
    server.intercept = ({ isWatch }) =>
      isWatch
        ? undefined
        : (res) => {
            release = () => res.end('{"metadata":{"resourceVersion":"1"},"items":[]}');
          };
    start();
    await eventually(() => server.lists(PATH).length === 1);
    reflector.stop();
    release();
    await pause(60);
    expect(server.watched(PATH)).to.deep.equal([]);
  });

  it('stop during back-off asks nothing more', async () => {
    server.intercept = () => cut;
    start({ backOffMs: 50, longestBackOffMs: 50 });
    await eventually(() => counts.failed === 1);
    reflector.stop();
    await pause(80);
    expect(server.requests).to.have.length(1);
  });

  it('waits for an answer to a list without taking itself for connected', async () => {
    server.intercept = () => silence;
    start();
    await eventually(() => server.requests.length === 1);
    await pause(10);
    expect(reflector.disconnectedMs).to.be.greaterThan(0);
  });
});
