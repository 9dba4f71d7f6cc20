import { expect } from 'chai';
import { CertificateLeader } from '../../../src/cluster/certificateLeader.js';
import type { CertificateSettings } from '../../../src/cluster/certificateState.js';
import { RecordingLogger } from '../../system/support/testServers.js';
import { CertificateCluster, SECRET_PATH } from './certificateCluster.js';

const SECOND = 1000;
const DAY = 24 * 60 * 60 * SECOND;

export const SETTINGS: CertificateSettings = {
  hosts: ['kube-harden.kube-harden.svc', '127.0.0.1'],
  certificateDurationMs: 90 * DAY,
  caDurationMs: 730 * DAY,
};
export const START = Date.parse('2027-01-01T00:00:00Z');

/** A leader with a clock that a test moves, in a cluster of its own unless another leader's is given. */
export class Leading {
  readonly logger = new RecordingLogger();
  readonly made: string[] = [];
  readonly leader: CertificateLeader;
  readonly signal = new AbortController();
  /** After each round, for what has to hold at every step. */
  afterRound: () => void = () => undefined;

  constructor(
    readonly time = { now: START },
    readonly cluster = new CertificateCluster(),
    settings: Partial<CertificateSettings> = {},
    /** By how much its clock is wrong. */
    public skewMs = 0,
  ) {
    this.leader = new CertificateLeader({
      api: cluster.api,
      secretPath: SECRET_PATH,
      ...SETTINGS,
      ...settings,
      logger: this.logger,
      renewed: (what, ok) => this.made.push(`${what} ${ok ? 'ok' : 'failed'}`),
      clock: { now: () => time.now + this.skewMs, monotonic: () => time.now },
    });
  }

  async round(): Promise<string> {
    const changed = await this.leader.round(this.signal.signal);
    this.afterRound();
    return changed;
  }

  /** Rounds until nothing is left to do. */
  async settle(): Promise<string[]> {
    const done: string[] = [];
    for (;;) {
      const changed = await this.round();
      if (changed === 'nothing') return done;
      done.push(changed);
      expect(done.length).to.be.below(20);
    }
  }

  /** So much time, looked at every 10 s as a leader does. */
  async wait(ms: number, every = 10 * SECOND): Promise<string[]> {
    const done: string[] = [];
    for (let passed = 0; passed < ms; passed += every) {
      this.time.now += every;
      done.push(...(await this.settle()));
    }
    return done;
  }

  get messages(): string[] {
    return this.logger.lines.map(({ message }) => message);
  }

  /** The authorities of every caBundle, by which part of the Secret they are. */
  get trusted(): string[] {
    const { state } = this.cluster.secret;
    const names = new Map([
      ...state.old.map(({ fingerprint }) => [fingerprint, 'old'] as const),
      [state.next?.fingerprint ?? '', 'next'],
      [state.ca?.fingerprint ?? '', 'ca'],
    ]);
    const { heldByAll, authorities } = this.cluster.bundles;
    expect([...heldByAll].sort()).to.deep.equal(authorities.map(({ fingerprint }) => fingerprint).sort());
    return [...heldByAll].map((held) => names.get(held) ?? 'unknown').sort();
  }
}
