import { expect } from 'chai';
import { CertificateLeader } from '../../src/cluster/certificateLeader.js';
import {
  isBetterThanFound,
  propagationMs,
  type CertificateSettings,
  type HeldLeaf,
} from '../../src/cluster/certificateState.js';
import { RecordingLogger } from '../system/support/testServers.js';
import { CONFIGURATION_PATH, CertificateCluster, SECRET_PATH } from './support/certificateCluster.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const START = Date.parse('2027-01-01T00:00:00Z');

/** So many lives of each world: `CERTIFICATE_SEEDS=20` for a longer look. */
const SEEDS = Number(process.env['CERTIFICATE_SEEDS'] ?? 1);

/** Mulberry32: the seed is in the test's name, so that a failure can be had again. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

class Crash extends Error {}

interface World {
  readonly name: string;
  readonly settings: CertificateSettings;
  readonly lastsMs: number;
  /** Clocks of leaders are off by up to so much, either way. */
  readonly skewMs: number;
  /** Now and then a user empties the Secret, or takes the authority's key. */
  readonly damage: boolean;
  /** By how much the leader's clock is wrong now and then, for some minutes. */
  readonly jumps: readonly number[];
  /** So many authorities at a time. */
  readonly trustedAtMost: number;
}

const LONG = {
  hosts: ['kube-harden.kube-harden.svc'],
  certificateDurationMs: 90 * DAY,
  caDurationMs: 730 * DAY,
};
const SHORT = { ...LONG, certificateDurationMs: 20 * MINUTE, caDurationMs: 60 * MINUTE };

const WORLDS: readonly World[] = [
  {
    name: 'three years',
    settings: LONG,
    lastsMs: 3 * 365 * DAY,
    skewMs: 2 * MINUTE,
    damage: false,
    jumps: [],
    trustedAtMost: 4,
  },
  {
    name: 'three years of careless users',
    settings: LONG,
    lastsMs: 3 * 365 * DAY,
    skewMs: 2 * MINUTE,
    damage: true,
    jumps: [],
    trustedAtMost: 8,
  },
  {
    name: 'a year of clocks that jump',
    settings: LONG,
    lastsMs: 365 * DAY,
    skewMs: 2 * MINUTE,
    damage: false,
    // The leaf has ended, the authority is due, the authority has ended; what is new has not begun.
    jumps: [365 * DAY, 500 * DAY, 800 * DAY, -DAY],
    // Each jump leaves two, and more where two lead at once whose clocks are years apart, here for minutes.
    trustedAtMost: 24,
  },
  {
    name: 'three hours of short lives',
    settings: SHORT,
    lastsMs: 3 * HOUR,
    skewMs: 30 * SECOND,
    damage: false,
    jumps: [],
    trustedAtMost: 4,
  },
];

/**
 * Leaders that die before or after any of their requests, two at a time now and then, with clocks minutes apart; API
 * servers that hear of a caBundle late; replicas that go on to serve any leaf there has been until it ends, as one
 * that is cut off from the API would. At every step: what may be served is trusted by every API server.
 *
 * Where clocks jump, a replica whose clock is right follows the Secret: what it serves is valid and trusted.
 */
async function live(
  world: World,
  seed: number,
): Promise<{ leaves: number; authorities: number; crashes: number }> {
  const { settings, skewMs, jumps } = world;
  const random = chance(seed);
  const cluster = new CertificateCluster();
  const { api } = cluster;
  let now = START;
  let wrongBy = 0;
  const newLeader = (isWrong = false): CertificateLeader => {
    const skew = (2 * random() - 1) * skewMs;
    return new CertificateLeader({
      api,
      secretPath: SECRET_PATH,
      ...settings,
      logger: new RecordingLogger(),
      renewed: () => undefined,
      clock: { now: () => now + skew + (isWrong ? wrongBy : 0), monotonic: () => now },
    });
  };
  let crashes = 0;
  const mayCrash = (_moment: string, method: string): void => {
    if (random() > (method === 'GET' ? 0.02 : 0.25)) return;
    crashes += 1;
    throw new Crash();
  };

  const leaves = new Map<string, HeldLeaf>();
  let followed: HeldLeaf | undefined;
  const authorities = new Set<string>();
  let bundles: { since: number; held: ReadonlySet<string>; version: string }[] = [];
  let trustedOnce = false;
  // An API server's informer is late by up to nine tenths of what is waited for.
  const latest = 0.9 * propagationMs(settings);

  let state = cluster.secret.state;
  let secretVersion = '';
  const check = (): void => {
    const version = api.get(CONFIGURATION_PATH).metadata?.resourceVersion ?? '';
    if (bundles.at(-1)?.version !== version)
      bundles.push({ since: now, held: cluster.bundles.heldByAll, version });
    const { resourceVersion = '' } = api.get(SECRET_PATH).metadata ?? {};
    if (secretVersion !== resourceVersion) {
      secretVersion = resourceVersion;
      const { problems, state: changed } = cluster.secret;
      if (!world.damage) expect(problems).to.deep.equal([]);
      state = changed;
    }
    const inForce = bundles.findLastIndex(({ since }) => since <= now - latest);
    bundles = bundles.slice(Math.max(0, inForce));
    if (jumps.length > 0) leaves.clear();
    if (followed === undefined || !isBetterThanFound(followed, state, now, MINUTE)) followed = state.leaf;
    const served = jumps.length > 0 ? followed : state.leaf;
    if (served !== undefined) leaves.set(served.fingerprint, served);
    if (state.ca !== undefined) authorities.add(state.ca.fingerprint);
    for (const [fingerprint, leaf] of leaves) if (leaf.notAfter <= now) leaves.delete(fingerprint);
    trustedOnce ||= bundles.every(({ held }) => held.size > 0);
    if (!trustedOnce) return;
    const day = `day ${((now - START) / DAY).toFixed(4)}`;
    expect(leaves.size, `${day}: something is served`).to.be.above(0);
    for (const leaf of leaves.values()) {
      expect(leaf.notBefore, `${day}: what is served is valid already`).to.be.at.most(now);
      for (const { held } of bundles)
        expect(held.has(leaf.issuer), `${day}: what may be served is trusted`).to.equal(true);
    }
    expect(bundles.at(-1)?.held.size, `${day}: trust does not pile up`).to.be.at.most(world.trustedAtMost);
  };

  let leader = newLeader(true);
  let made = 0;
  let seenLeaf = '';
  let damagedAt = START;
  let jumpedAt = START;
  const signal = new AbortController().signal;
  while (now < START + world.lastsMs) {
    let isBusy = false;
    const rounds = [leader];
    // Two that both think they lead: the one that was cut off has not noticed yet.
    if (random() < 0.1) rounds.push(newLeader());
    api.intercept = mayCrash;
    const outcomes = await Promise.allSettled(rounds.map((one) => one.round(signal)));
    api.intercept = () => undefined;
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') isBusy ||= outcome.value !== 'nothing';
      else {
        isBusy = true;
        if (outcome.reason instanceof Crash) leader = newLeader(true);
      }
    }
    check();
    if (state.leaf !== undefined && state.leaf.fingerprint !== seenLeaf) {
      seenLeaf = state.leaf.fingerprint;
      made += 1;
    }
    if (wrongBy !== 0 && random() < 0.02) wrongBy = 0;
    else if (
      jumps.length > 0 &&
      !isBusy &&
      now - jumpedAt > settings.certificateDurationMs / 3 &&
      random() < 0.3
    ) {
      jumpedAt = now;
      wrongBy = jumps[Math.floor(random() * jumps.length)] ?? 0;
    }
    isBusy ||= state.next !== undefined || state.leaf === undefined || wrongBy !== 0;
    // Of the third of its life that is left when a leaf is due.
    const longest = settings.certificateDurationMs / 10;
    now += isBusy
      ? (0.05 + random()) * Math.min(10 * SECOND, propagationMs(settings) / 3)
      : random() * longest;
    if (world.damage && !isBusy && now - damagedAt > settings.certificateDurationMs && random() < 0.05) {
      damagedAt = now;
      if (random() < 0.5) cluster.emptySecret();
      else cluster.changeSecret({ 'ca.key': undefined });
    }
    check();
  }
  return { leaves: made, authorities: authorities.size, crashes };
}

describe('certificates over time', function () {
  this.timeout(120_000);
  for (const world of WORLDS) {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      it(`keep what may be served trusted by every API server: ${world.name}, seed ${seed}`, async () => {
        const { leaves, authorities, crashes } = await live(world, seed);
        const { certificateDurationMs, caDurationMs } = world.settings;
        // Renewed at two thirds, and a few days' or seconds' delay each time.
        expect(leaves).to.be.at.least(Math.floor(world.lastsMs / certificateDurationMs));
        expect(authorities).to.be.at.least(Math.floor(world.lastsMs / caDurationMs));
        if (!world.damage && world.jumps.length === 0)
          expect(authorities).to.be.at.most(1 + Math.ceil((1.5 * world.lastsMs) / caDurationMs));
        expect(crashes).to.be.above(3);
      });
    }
  }
});
