import { expect } from 'chai';
import { isBetterThanFound, type Dated, type HeldLeaf } from '../../src/cluster/certificateState.js';
import { CertificateAuthority } from '../../src/server/certificateAuthority.js';
import type { CertificateCluster } from './support/certificateCluster.js';
import { Leading, SETTINGS, START } from './support/leading.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

const isValid = ({ notBefore, notAfter }: Dated, now: number): boolean => notBefore <= now && now < notAfter;

/** What is wrong for an API server whose clock is right, and which has heard of every caBundle. */
function faults({ cluster }: Leading, now: number, leaf = cluster.secret.state.leaf): string[] {
  const issuer = cluster.bundles.authorities.find(({ fingerprint }) => fingerprint === leaf?.issuer);
  return [
    ...(leaf !== undefined && isValid(leaf, now) ? [] : ['the leaf is not valid']),
    ...(issuer !== undefined && isValid(issuer, now) ? [] : ['its authority is not trusted']),
  ];
}

/** One that is there for so long that its first steps are over. */
async function settled(): Promise<Leading> {
  const leading = new Leading();
  await leading.settle();
  await leading.wait(2 * MINUTE);
  leading.time.now += 10 * DAY;
  expect(await leading.settle()).to.deep.equal([]);
  return leading;
}

/** A replica with a right clock, which follows the Secret: at every step what it serves is valid and trusted. */
function follow(leading: Leading): void {
  const { cluster, time } = leading;
  let served = cluster.secret.state.leaf;
  leading.afterRound = () => {
    const { state } = cluster.secret;
    if (served === undefined || !isBetterThanFound(served, state, time.now, MINUTE)) served = state.leaf;
    expect(faults(leading, time.now, served), 'what the other replica serves').to.deep.equal([]);
  };
}

describe('certificates by clocks that are wrong', () => {
  const jumps: [string, number, string[]][] = [
    ['the leaf', 365, []],
    ['the authority, which is due by then', 500, ['next']],
    ['the authority, which has ended by then', 800, ['next']],
  ];
  for (const [what, days, waits] of jumps) {
    it(`are replaced once the clock is right again that was ${days} days ahead, and other replicas serve on: ${what}`, async () => {
      const leading = await settled();
      follow(leading);
      leading.skewMs = days * DAY;
      await leading.wait(5 * MINUTE);
      expect(faults(leading, leading.time.now)).to.include('the leaf is not valid');
      leading.skewMs = 0;
      await leading.settle();
      // An authority is trusted first, a leaf of one that is trusted already is made at once.
      expect(leading.trusted.filter((part) => part === 'next')).to.deep.equal(waits);
      if (waits.length > 0) await leading.wait(70 * SECOND);
      expect(faults(leading, leading.time.now)).to.deep.equal([]);
      expect(await leading.wait(10 * MINUTE)).to.deep.equal([]);
      // Nor is what the wrong clock wrote trusted for years.
      for (let day = 0; day < 100; day += 10) {
        leading.time.now += 10 * DAY;
        await leading.settle();
      }
      expect(leading.trusted).to.deep.equal(['ca']);
    });
  }

  it('are replaced where a clock that is ahead has made the next authority only', async () => {
    const leading = await settled();
    follow(leading);
    leading.skewMs = 500 * DAY;
    await leading.settle();
    const { next } = leading.cluster.secret.state;
    expect(next?.notBefore).to.be.above(leading.time.now);
    leading.skewMs = 0;
    await leading.settle();
    expect(faults(leading, leading.time.now)).to.deep.equal([]);
    expect(leading.cluster.secret.state.next?.notBefore).to.be.below(leading.time.now);
    await leading.wait(2 * MINUTE);
    expect(leading.trusted).to.deep.equal(['ca', 'old']);
  });

  it('are trusted on where the clock jumps ahead just as the next authority is about to sign', async () => {
    const leading = await settled();
    leading.time.now = START + 487 * DAY;
    await leading.settle();
    follow(leading);
    await leading.wait(50 * SECOND);
    leading.skewMs = 100 * DAY;
    await leading.wait(20 * SECOND, 20 * SECOND);
    expect(leading.messages.at(-1)).to.equal('next certificate authority signs from now on');
    expect(leading.trusted).to.deep.equal(['ca', 'old']);
  });

  it('are replaced by a leader that is a day behind, once, and are valid and trusted for everybody else too', async () => {
    const first = new Leading();
    await first.settle();
    await first.wait(2 * MINUTE);
    const made = first.cluster.secret.state;
    const behind = new Leading(first.time, first.cluster, {}, -DAY);
    follow(behind);
    await behind.wait(5 * MINUTE);
    const { ca, leaf, old } = first.cluster.secret.state;
    expect(ca?.fingerprint).not.to.equal(made.ca?.fingerprint);
    expect(leaf?.notBefore).to.be.at.most(first.time.now - DAY);
    // Replicas that have not heard of it serve on what the first has made.
    expect(old.map(({ fingerprint }) => fingerprint)).to.deep.equal([made.ca?.fingerprint]);
    expect(behind.made).to.deep.equal(['ca ok', 'leaf ok']);
    for (const leading of [first, behind, first, behind])
      expect(await leading.wait(5 * MINUTE)).to.deep.equal([]);
  });

  it('are replaced at most once each time that the lead changes between clocks a year apart, and other replicas serve on', async () => {
    const right = await settled();
    const ahead = new Leading(right.time, right.cluster, {}, 365 * DAY);
    follow(right);
    ahead.afterRound = right.afterRound;
    for (const leading of [ahead, right, ahead, right]) {
      const before = leading.made.length;
      await leading.wait(5 * MINUTE);
      expect(leading.made.slice(before)).to.deep.equal(['leaf ok']);
    }
    expect(faults(right, right.time.now)).to.deep.equal([]);
  });

  it('stay as they are where clocks differ by minutes', async () => {
    const ahead = new Leading({ now: START }, undefined, {}, 4 * MINUTE);
    await ahead.settle();
    const behind = new Leading(ahead.time, ahead.cluster, {}, -MINUTE + SECOND);
    expect(await behind.settle()).to.deep.equal([]);
  });

  it('wait for an authority that a user brings and that begins in a few minutes', async () => {
    const leading = await settled();
    const begins = leading.time.now + 4 * MINUTE;
    const { cert, key } = await CertificateAuthority.create('mine', {
      notBefore: new Date(begins),
      notAfter: new Date(begins + SETTINGS.caDurationMs),
    });
    leading.cluster.changeSecret({ 'ca.crt': cert, 'ca.key': key });
    follow(leading);
    await leading.wait(3 * MINUTE);
    expect(leading.made).to.deep.equal(['ca ok', 'leaf ok']);
    await leading.wait(2 * MINUTE);
    expect(leading.made).to.deep.equal(['ca ok', 'leaf ok', 'leaf ok']);
    const { data, state } = leading.cluster.secret;
    expect(data['ca.crt']).to.equal(cert);
    expect(state.leaf?.issuer).to.equal(state.ca?.fingerprint);
  });

  describe('a replica goes on with what it serves', () => {
    let cluster: CertificateCluster;
    let served: HeldLeaf;
    let found: HeldLeaf;
    before(async () => {
      const leading = await settled();
      ({ cluster } = leading);
      served = cluster.secret.state.leaf ?? expect.fail('no leaf');
      leading.skewMs = 60 * DAY;
      await leading.settle();
      found = cluster.secret.state.leaf ?? expect.fail('no leaf');
    });

    type Case = [string, boolean, () => { now: number; own?: Partial<HeldLeaf>; other?: Partial<HeldLeaf> }];
    const cases: Case[] = [
      ['while the new one is not valid yet', true, () => ({ now: found.notBefore - SECOND })],
      ['not once the new one is valid', false, () => ({ now: found.notBefore })],
      [
        'while the new one has ended before its own',
        true,
        () => ({ now: found.notBefore, other: { notAfter: found.notBefore } }),
      ],
      ['not when both have ended', false, () => ({ now: found.notAfter })],
      ['not before its own is valid', false, () => ({ now: served.notBefore - SECOND })],
      [
        'not when its own is no longer trusted',
        false,
        () => ({ now: found.notBefore - SECOND, own: { issuer: 'another' } }),
      ],
      [
        'not when its own ends before the next look',
        false,
        () => ({ now: found.notBefore - SECOND, own: { notAfter: found.notBefore + MINUTE - 2 * SECOND } }),
      ],
    ];
    for (const [when, goesOn, at] of cases) {
      it(when, () => {
        const { now, own, other } = at();
        const state = { ...cluster.secret.state, leaf: { ...found, ...other } };
        expect(isBetterThanFound({ ...served, ...own }, state, now, MINUTE)).to.equal(goesOn);
      });
    }
  });
});
