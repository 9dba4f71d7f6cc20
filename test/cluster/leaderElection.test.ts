import { expect } from 'chai';
import { LeaderElection } from '../../src/cluster/leaderElection.js';
import { ApiError } from '../../src/cluster/apiError.js';
import { eventually } from '../system/support/clients.js';
import { RecordingLogger } from '../system/support/testServers.js';
import { MemoryApi } from './support/memoryApi.js';

const LEASE = '/apis/coordination.k8s.io/v1/namespaces/kube-harden/leases/kube-harden';
/** client-go's, fifteen times as fast. */
const TIMINGS = { leaseMs: 1000, renewDeadlineMs: 600, retryMs: 100 };

interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

describe('LeaderElection', () => {
  let api: MemoryApi;
  let members: Member[] = [];
  beforeEach(() => {
    api = new MemoryApi();
    // As the manifests ship it: without a spec.
    api.put(LEASE, {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'kube-harden' },
    });
  });
  afterEach(async () => {
    for (const { election } of members) await election.stop();
    members = [];
  });

  /** A replica with its own way to the API server, which a test can cut. */
  class Member {
    readonly logger = new RecordingLogger();
    readonly reigns: AbortSignal[] = [];
    stops = 0;
    /** Milliseconds that this replica's clock differs from the others'. */
    skew = 0;
    isCut = false;
    readonly election: LeaderElection;

    constructor(
      readonly identity: string,
      work: (signal: AbortSignal) => Promise<void> | void = () => undefined,
    ) {
      this.election = new LeaderElection({
        api: {
          request: async (method, path, request) => {
            // A connection that hangs, as to a machine that is gone, until the request's own time is over.
            if (this.isCut) await new Promise((resolve) => setTimeout(resolve, request?.timeoutMs));
            if (this.isCut) throw new Error('no answer');
            return api.request(method, path, request);
          },
        },
        namespace: 'kube-harden',
        identity,
        timings: TIMINGS,
        logger: this.logger,
        onStartedLeading: (signal) => {
          this.reigns.push(signal);
          return work(signal);
        },
        onStoppedLeading: () => (this.stops += 1),
        clock: { now: () => Date.now() + this.skew, monotonic: () => performance.now() },
      });
      members.push(this);
    }

    start(): this {
      this.election.start();
      return this;
    }

    get leads(): boolean {
      return this.election.isLeader;
    }
  }

  const spec = (): LeaseSpec => api.get(LEASE)['spec'] as LeaseSpec;
  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

  it('takes an empty Lease at once, writes what client-go does, and renews it', async () => {
    const member = new Member('a').start();
    await eventually(() => member.leads);
    const first = spec();
    expect(first).to.include({ holderIdentity: 'a', leaseDurationSeconds: 1, leaseTransitions: 1 });
    expect(first.renewTime).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    await eventually(() => spec().renewTime !== first.renewTime);
    expect(spec()).to.include({ acquireTime: first.acquireTime, leaseTransitions: 1 });
    expect(member.reigns).to.have.length(1);
  });

  it('has one leader at any time of three, and another within a retry period when it stops', async () => {
    const three = ['a', 'b', 'c'].map((name) => new Member(name).start());
    const leaders = (): Member[] => three.filter(({ leads }) => leads);
    await eventually(() => leaders().length === 1);
    const [first] = leaders();
    await pause(500);
    expect(leaders()).to.deep.equal([first]);
    await first?.election.stop();
    expect(first?.reigns[0]?.aborted).to.equal(true);
    const released = spec();
    if (released.holderIdentity === '') expect(released.leaseDurationSeconds).to.equal(1);
    const stopped = performance.now();
    await eventually(() => leaders().length === 1);
    // Within a retry period, which is up to 2.2 times as long with its jitter; not a lease's duration.
    expect(performance.now() - stopped).to.be.below(TIMINGS.retryMs * 2.2 + 100);
    expect(leaders()[0]).not.to.equal(first);
    expect(spec().leaseTransitions).to.be.above(1);
  });

  it('leads no longer from the renew deadline on when it is cut off, before another can take over', async () => {
    const first = new Member('a').start();
    await eventually(() => first.leads);
    const second = new Member('b').start();
    first.isCut = true;
    const cut = performance.now();
    let overlap = false;
    let lost = 0;
    while (!second.leads) {
      if (!first.leads && lost === 0) lost = performance.now() - cut;
      await pause(5);
    }
    overlap ||= first.leads;
    expect(overlap).to.equal(false);
    expect(lost).to.be.within(TIMINGS.renewDeadlineMs - 2 * TIMINGS.retryMs, TIMINGS.renewDeadlineMs + 100);
    expect(performance.now() - cut).to.be.above(TIMINGS.leaseMs - 2 * TIMINGS.retryMs);
    expect(first.reigns[0]?.aborted).to.equal(true);
    expect(first.stops).to.equal(1);
    first.isCut = false;
    await pause(500);
    expect(first.leads).to.equal(false);
    expect(second.leads).to.equal(true);
  });

  it('says that it leads no longer though no timer could fire', async () => {
    const member = new Member('a').start();
    await eventually(() => member.leads);
    // As a paused process: the event loop stands still.
    const until = performance.now() + TIMINGS.renewDeadlineMs + 50;
    while (performance.now() < until);
    expect(member.leads).to.equal(false);
  });

  for (const skew of [-3_600_000, 3_600_000]) {
    it(`does not care that another's clock is ${skew / 60_000} minutes off`, async () => {
      const first = new Member('a');
      first.skew = skew;
      first.start();
      await eventually(() => first.leads);
      const second = new Member('b').start();
      await pause(1500);
      expect([first.leads, second.leads]).to.deep.equal([true, false]);
      expect(second.reigns).to.have.length(0);
    });
  }

  it('rides out conflicts and errors that end before the deadline', async () => {
    const member = new Member('a').start();
    await eventually(() => member.leads);
    let failures = 0;
    api.intercept = (moment, method) => {
      if (moment !== 'before' || failures >= 3) return;
      failures += 1;
      if (method === 'PUT') throw new ApiError(409, 'modified', 'Conflict');
      throw new ApiError(500, 'etcd is slow');
    };
    await eventually(() => failures === 3);
    await pause(300);
    // Somebody labels the Lease: the next renewal meets a conflict.
    const lease = api.get(LEASE);
    api.put(LEASE, { ...lease, metadata: { ...lease.metadata, labels: { a: 'b' } } });
    await pause(300);
    expect(member.leads).to.equal(true);
    expect(member.reigns).to.have.length(1);
    expect(api.get(LEASE).metadata?.labels).to.deep.equal({ a: 'b' });
  });

  it('says once that the Lease is missing, and leads when it comes', async () => {
    const lease = api.get(LEASE);
    api.delete(LEASE);
    const member = new Member('a').start();
    await pause(600);
    const errors = member.logger.lines.filter(({ level }) => level === 'error');
    expect(errors.map(({ message }) => message)).to.deep.equal([
      'the Lease is missing, so that no replica can lead: apply the manifests, which bring it',
    ]);
    api.put(LEASE, lease);
    await eventually(() => member.leads);
  });

  it('keeps the lease until the work has ended when it is stopped, and logs work that fails', async () => {
    let ended = false;
    const member = new Member('a', async (signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      await pause(200);
      expect(spec().holderIdentity).to.equal('a');
      ended = true;
      throw new Error('a bug');
    }).start();
    await eventually(() => member.leads);
    await member.election.stop();
    expect(ended).to.equal(true);
    expect(spec().holderIdentity).to.equal('');
    expect(member.logger.lines.map(({ message }) => message)).to.include('the work of the leader failed');
  });

  it('leads again after it has lost the lease', async () => {
    const member = new Member('a').start();
    await eventually(() => member.leads);
    member.isCut = true;
    await eventually(() => !member.leads);
    member.isCut = false;
    await eventually(() => member.leads);
    expect(member.reigns.map(({ aborted }) => aborted)).to.deep.equal([true, false]);
    expect(spec().leaseTransitions).to.equal(1);
  });
});
