import { expect } from 'chai';
import type { ApiClient, ApiObject, ApiRequest } from '../../src/cluster/apiClient.js';
import { PolicyStatusWriter, statusOf, type PolicyStatus } from '../../src/cluster/policyStatus.js';
import { PolicyStore } from '../../src/cluster/policyStore.js';
import { eventually, pause } from '../system/support/clients.js';
import { ApiServer, json, status } from './support/apiServer.js';
import { LogLines } from './support/logLines.js';

const PATH = '/apis/kube-harden.io/v1alpha1/hardeningpolicies';
const EVENTS = '/apis/events.k8s.io/v1/namespaces/default/events';
const NOW = Date.parse('2026-06-01T10:00:00.123Z');

interface Event {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly reason: string;
  readonly type: string;
  readonly note: string;
  readonly eventTime: string;
  readonly regarding: Readonly<Record<string, string>>;
}

describe('PolicyStatusWriter', () => {
  let server: ApiServer;
  let logs: LogLines;
  let store: PolicyStore;
  let writer: PolicyStatusWriter;
  let leadership: AbortController;
  let now: number;

  beforeEach(async () => {
    server = await ApiServer.start();
    logs = new LogLines();
    now = NOW;
    leadership = new AbortController();
    store = new PolicyStore({
      loaded: () => undefined,
      changed: () => undefined,
      seen: (policy) => writer.seen(policy),
    });
    writer = writerWith();
    // As the API server does: what is written comes back by the watch, with a version of its own.
    server.intercept = ({ method, path, body }) => {
      if (method !== 'PATCH') return undefined;
      const name = path.slice(PATH.length + 1, -'/status'.length);
      const object = objects.get(name);
      if (!object) return status(404, 'gone');
      const patch = body as { metadata: { resourceVersion: string }; status: PolicyStatus };
      if (patch.metadata.resourceVersion !== object.metadata?.resourceVersion) return status(409, 'conflict');
      take({ ...object, status: patch.status });
      return json({});
    };
  });
  afterEach(() => {
    leadership.abort();
    server.close();
  });

  const writerWith = (more: { readonly retryMs?: number } = {}): PolicyStatusWriter =>
    new PolicyStatusWriter({
      api: server.api,
      policies: store,
      identity: 'replica-1',
      logger: logs,
      clock: () => now,
      ...more,
    });

  const objects = new Map<string, ApiObject>();
  beforeEach(() => objects.clear());

  function take(object: ApiObject): void {
    const made = { ...object, metadata: { ...object.metadata, resourceVersion: server.next() } };
    objects.set(made.metadata.name ?? '', made);
    store.put(made);
  }

  function apply(name: string, generation: number, action: string, more: object = {}): void {
    take({
      apiVersion: 'kube-harden.io/v1alpha1',
      kind: 'HardeningPolicy',
      metadata: { name, uid: `uid-${name}`, generation },
      spec: { rules: { sshd: { action } }, ...more },
      ...(objects.get(name) && { status: objects.get(name)?.['status'] }),
    });
  }

  const written = (): PolicyStatus[] =>
    server.requests
      .filter(({ method }) => method === 'PATCH')
      .map(({ body }) => (body as { status: PolicyStatus }).status);
  const events = (): Event[] =>
    server.requests.filter(({ path }) => path === EVENTS).map(({ body }) => body as Event);

  it('writes Accepted and an Event, and nothing more while it stands', async () => {
    apply('a', 3, 'Warn');
    writer.lead(leadership.signal);
    await eventually(() => events().length === 1);
    expect(written()).to.deep.equal([
      {
        observedGeneration: 3,
        conditions: [
          {
            type: 'Accepted',
            status: 'True',
            reason: 'Accepted',
            message: 'the policy is in force',
            observedGeneration: 3,
            lastTransitionTime: '2026-06-01T10:00:00Z',
          },
        ],
        errors: [],
      },
    ]);
    expect(events()[0]).to.deep.include({
      reason: 'PolicyAccepted',
      type: 'Normal',
      note: 'the policy is in force',
      eventTime: '2026-06-01T10:00:00.123000Z',
    });
    expect(events()[0]?.metadata.namespace).to.equal('default');
    expect(events()[0]?.regarding).to.include({ kind: 'HardeningPolicy', name: 'a', uid: 'uid-a' });
    take(objects.get('a') ?? {});
    const next = new AbortController();
    writer.lead(next.signal);
    await pause(40);
    next.abort();
    expect(written()).to.have.length(1);
    expect(events()).to.have.length(1);
  });

  it('writes Rejected with all errors, and says what holds', async () => {
    apply('new', 1, 'Wran', { templates: 'x' });
    writer.lead(leadership.signal);
    await eventually(() => events().length === 1);
    const [first] = written();
    expect(first?.errors.map(({ path }) => path)).to.have.members([
      'spec.rules.sshd.action',
      'spec.templates',
    ]);
    expect(first?.conditions[0]).to.include({ status: 'False', reason: 'Rejected', observedGeneration: 1 });
    expect(first?.conditions[0]?.message).to.match(
      /^2 errors; it has never loaded: requests of namespaces that name it fail: spec\..*did you mean "Warn"/,
    );
    expect(events()[0]).to.include({ reason: 'PolicyRejected', type: 'Warning' });
  });

  it('keeps the time of the last transition, and tells an Event only of one', async () => {
    apply('a', 1, 'Warn');
    writer.lead(leadership.signal);
    await eventually(() => events().length === 1);
    now += 60_000;
    apply('a', 2, 'Deny');
    await eventually(() => written().length === 2);
    now += 60_000;
    apply('a', 3, 'Wran');
    await eventually(() => written().length === 3 && events().length === 2);
    now += 60_000;
    apply('a', 4, 'Dney');
    await eventually(() => written().length === 4);
    await pause(20);
    expect(
      written().map(({ conditions: [one] }) => [one?.status, one?.lastTransitionTime.slice(11)]),
    ).to.deep.equal([
      ['True', '10:00:00Z'],
      ['True', '10:00:00Z'],
      ['False', '10:02:00Z'],
      ['False', '10:02:00Z'],
    ]);
    expect(written()[2]?.conditions[0]?.message).to.match(/^1 error; the last good one stays in force: /);
    expect(events().map(({ reason }) => reason)).to.deep.equal(['PolicyAccepted', 'PolicyRejected']);
  });

  it('writes nothing while it does not lead, and nothing any more', async () => {
    apply('a', 1, 'Warn');
    await pause(20);
    expect(server.requests).to.deep.equal([]);
    writer.lead(leadership.signal);
    await eventually(() => events().length === 1);
    leadership.abort();
    apply('a', 2, 'Deny');
    await pause(30);
    expect(written()).to.have.length(1);
  });

  it('leaves a conflict to the next event of the watch', async () => {
    apply('a', 1, 'Warn');
    const own = server.intercept;
    server.intercept = ({ method }) => (method === 'PATCH' ? status(409, 'conflict') : undefined);
    writer.lead(leadership.signal);
    await eventually(() => written().length === 1);
    await pause(20);
    expect(events()).to.deep.equal([]);
    expect(logs.texts).to.deep.equal([]);
    server.intercept = own;
    apply('a', 1, 'Warn');
    await eventually(() => events().length === 1);
  });

  it('asks again later after an error, once, and goes on with the others', async () => {
    let failing = true;
    const own = server.intercept;
    server.intercept = (request) =>
      failing && request.path === `${PATH}/a/status` ? status(500, 'etcd is gone') : own(request);
    apply('a', 1, 'Warn');
    apply('b', 1, 'Warn');
    const slow = writerWith({ retryMs: 30 });
    slow.lead(leadership.signal);
    await eventually(() => events().length === 1);
    expect(events()[0]?.regarding['name']).to.equal('b');
    expect(logs.texts).to.deep.equal(['warn the status of a policy could not be written']);
    failing = false;
    await eventually(() => events().length === 2);
    expect(events()[1]?.regarding['name']).to.equal('a');
  });

  it('asks again as often for a policy that is seen again and again as for one that is seen once', async () => {
    const at: number[] = [];
    server.intercept = ({ method }) => {
      if (method !== 'PATCH') return undefined;
      at.push(performance.now());
      return status(403, 'no');
    };
    const retryMs = 60;
    writer = writerWith({ retryMs });
    writer.lead(leadership.signal);
    apply('a', 1, 'Warn');
    for (let seen = 2; seen <= 6; seen++) {
      await eventually(() => at.length === seen - 1);
      take(objects.get('a') ?? {});
      await eventually(() => at.length >= seen);
    }
    const seenLast = at.length;
    await eventually(() => at.length >= seenLast + 4);
    const apart = at.slice(seenLast).map((time, index, later) => time - (later[index - 1] ?? -Infinity));
    expect(Math.min(...apart)).to.be.at.least(retryMs / 2);
  });

  it('a status stands though its Event could not be written', async () => {
    const own = server.intercept;
    server.intercept = (request) => (request.path === EVENTS ? status(403, 'no') : own(request));
    apply('a', 1, 'Warn');
    writer.lead(leadership.signal);
    await eventually(() => logs.texts.length === 1);
    expect(logs.texts).to.deep.equal(['warn an event about a policy could not be written']);
    await pause(20);
    expect(written()).to.have.length(1);
  });

  it('cuts the Event at the bytes that the API server takes, and no character in two', async () => {
    const api: ApiClient = {
      request: (_method, path, request: ApiRequest = {}) => {
        if (path === EVENTS) notes.push((request.body as Event).note);
        return Promise.resolve({});
      },
    };
    const notes: string[] = [];
    apply('a', 1, 'ä€😀'.repeat(300));
    new PolicyStatusWriter({ api, policies: store, identity: 'r', logger: logs, clock: () => now }).lead(
      leadership.signal,
    );
    await eventually(() => notes.length === 1);
    expect(Buffer.byteLength(notes[0] ?? '')).to.be.at.most(1024);
    expect(notes[0]).to.not.contain('\ufffd');
  });

  it('names at most 100 errors', () => {
    const rules = Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`rule${i}`, {}]));
    apply('a', 1, 'Warn', { rules });
    const policy = store.get('a');
    if (!policy) throw new Error('no policy');
    expect(policy.issues.length).to.be.greaterThan(100);
    expect(statusOf(policy, now).errors).to.have.length(100);
  });
});
