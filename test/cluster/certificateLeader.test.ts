import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import { ApiError } from '../../src/cluster/apiError.js';
import { CertificateAuthority } from '../../src/server/certificateAuthority.js';
import { CONFIGURATION_PATH, CertificateCluster, SECRET_PATH } from './support/certificateCluster.js';
import { Leading, SETTINGS, START } from './support/leading.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('CertificateLeader', () => {
  it('fills an empty Secret at once, then every caBundle, and leaves what others wrote there', async () => {
    const leading = new Leading();
    expect(await leading.settle()).to.deep.equal(['secret', 'bundle']);
    const { state, problems, material } = leading.cluster.secret;
    expect(problems).to.deep.equal([]);
    expect(material?.expires).to.equal(START + 90 * DAY);
    expect(state.ca?.notAfter).to.equal(START + 730 * DAY);
    expect(state.ca?.notBefore).to.equal(START - 5 * MINUTE);
    expect(state.leaf?.hosts).to.deep.equal(SETTINGS.hosts);
    expect(leading.trusted).to.deep.equal(['ca']);
    expect(leading.made).to.deep.equal(['ca ok', 'leaf ok']);
    expect(leading.cluster.api.get(SECRET_PATH).metadata?.labels).to.deep.equal({ kept: 'yes' });
    expect(await leading.wait(HOUR, MINUTE)).to.deep.equal([]);
  });

  it('renews the leaf at two thirds of its life, by the same authority, without waiting', async () => {
    const leading = new Leading();
    await leading.settle();
    const before = leading.cluster.secret.state;
    leading.time.now = START + 59 * DAY;
    expect(await leading.settle()).to.deep.equal([]);
    leading.time.now = START + 60 * DAY;
    expect(await leading.settle()).to.deep.equal(['secret']);
    const { state } = leading.cluster.secret;
    expect(state.ca).to.deep.equal(before.ca);
    expect(state.leaf?.notAfter).to.equal(leading.time.now + 90 * DAY);
  });

  it('renews the authority at two thirds: trusted, used a minute later, and the old one trusted until its leaf ends', async () => {
    const leading = new Leading();
    await leading.settle();
    leading.time.now = START + 60 * DAY;
    await leading.settle();
    // The leaf is renewed every 60 days: the last one before the authority's turn ends 90 days after it was made.
    for (
      leading.time.now = START + 120 * DAY;
      leading.time.now < START + 486 * DAY;
      leading.time.now += 60 * DAY
    )
      await leading.settle();
    leading.time.now = START + 487 * DAY;
    const first = leading.cluster.secret.state;
    expect(await leading.settle()).to.deep.equal(['secret', 'bundle']);
    expect(leading.trusted).to.deep.equal(['ca', 'next']);
    expect(leading.cluster.secret.state.leaf).to.deep.equal(first.leaf);
    expect(await leading.wait(50 * SECOND)).to.deep.equal([]);
    expect(await leading.wait(20 * SECOND)).to.deep.equal(['secret']);
    const second = leading.cluster.secret;
    expect(second.state.leaf?.issuer).to.equal(second.state.ca?.fingerprint);
    expect(second.state.ca?.fingerprint).not.to.equal(first.ca?.fingerprint);
    expect(second.state.old.map(({ fingerprint }) => fingerprint)).to.deep.equal([first.ca?.fingerprint]);
    expect(second.data['next-ca.key']).to.equal(undefined);
    expect(leading.trusted).to.deep.equal(['ca', 'old']);
    const end = first.leaf?.notAfter ?? 0;
    leading.time.now = end + 4 * MINUTE;
    await leading.settle();
    expect(leading.trusted).to.deep.equal(['ca', 'old']);
    leading.time.now = end + 6 * MINUTE;
    expect((await leading.settle()).slice(-2)).to.deep.equal(['secret', 'bundle']);
    expect(leading.trusted).to.deep.equal(['ca']);
    expect(leading.cluster.secret.state.oldUntil).to.equal(undefined);
  });

  it('waits anew for the next authority when a caBundle has lost it', async () => {
    const leading = new Leading();
    await leading.settle();
    leading.time.now = START + 487 * DAY;
    await leading.settle();
    await leading.wait(50 * SECOND);
    leading.cluster.applyConfiguration();
    // The leaf was renewed too; what matters is that nothing is promoted.
    expect(await leading.wait(10 * SECOND)).to.deep.equal(['bundle']);
    expect(await leading.wait(50 * SECOND)).to.deep.equal([]);
    expect(leading.cluster.secret.state.next).not.to.equal(undefined);
    expect(await leading.wait(20 * SECOND)).to.deep.equal(['secret']);
    expect(leading.cluster.secret.state.next).to.equal(undefined);
  });

  it('fills in caBundles that were emptied, and entries that were added or moved', async () => {
    const leading = new Leading();
    await leading.settle();
    leading.cluster.applyConfiguration();
    expect(await leading.settle()).to.deep.equal(['bundle']);
    const configuration = leading.cluster.api.get(CONFIGURATION_PATH);
    const [enforce, audit] = configuration['webhooks'] as object[];
    const added = { name: 'another.kube-harden.io', clientConfig: { url: 'https://127.0.0.1/mutate' } };
    leading.cluster.api.put(CONFIGURATION_PATH, { ...configuration, webhooks: [audit, added, enforce] });
    expect(await leading.settle()).to.deep.equal(['bundle']);
    expect(leading.trusted).to.deep.equal(['ca']);
    const webhooks = leading.cluster.api.get(CONFIGURATION_PATH)['webhooks'] as { name: string }[];
    expect(webhooks.map(({ name }) => name)).to.deep.equal([
      'audit.kube-harden.io',
      'another.kube-harden.io',
      'enforce.kube-harden.io',
    ]);
  });

  it('makes certificates without a webhook configuration too, says once that it is missing, and fills it when it comes', async () => {
    const leading = new Leading();
    leading.cluster.api.delete(CONFIGURATION_PATH);
    expect(await leading.settle()).to.deep.equal(['secret']);
    await leading.wait(MINUTE);
    expect(leading.messages.filter((message) => message.includes('configuration is missing'))).to.have.length(
      1,
    );
    leading.cluster.applyConfiguration();
    expect(await leading.settle()).to.deep.equal(['bundle']);
    leading.cluster.api.delete(CONFIGURATION_PATH);
    await leading.settle();
    expect(leading.messages.filter((message) => message.includes('configuration is missing'))).to.have.length(
      2,
    );
  });

  it('renews a leaf though the webhook configuration cannot be read, and the authority only when it can', async () => {
    const leading = new Leading();
    await leading.settle();
    leading.cluster.api.intercept = (_moment, _method, path) => {
      if (path === CONFIGURATION_PATH) throw new ApiError(403, 'forbidden', 'Forbidden');
    };
    const failure = await leading.round().catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(ApiError).and.to.include({ status: 403 });
    leading.time.now = START + 487 * DAY;
    expect(await leading.round()).to.equal('secret');
    const { state } = leading.cluster.secret;
    expect(state.leaf?.notAfter).to.equal(leading.time.now + 90 * DAY);
    expect(state.next).to.equal(undefined);
    leading.cluster.api.intercept = () => undefined;
    await leading.settle();
    expect(leading.trusted).to.deep.equal(['ca', 'next']);
  });

  const damages: [string, (cluster: CertificateCluster) => Promise<void> | void, string[]][] = [
    ['the whole Secret is emptied', (cluster) => cluster.emptySecret(), ['ca', 'old']],
    [
      "the authority's key is lost",
      (cluster) => cluster.changeSecret({ 'ca.key': undefined }),
      ['ca', 'old'],
    ],
    [
      "the authority's key is another's",
      async (cluster) => {
        const { key } = await CertificateAuthority.create('x', { notAfter: new Date(START + DAY) });
        cluster.changeSecret({ 'ca.key': key });
      },
      ['ca', 'old'],
    ],
    [
      "the authority's certificate is garbage",
      (cluster) => cluster.changeSecret({ 'ca.crt': 'garbage' }),
      ['ca', 'old'],
    ],
    ['the leaf is lost', (cluster) => cluster.changeSecret({ 'tls.crt': undefined }), ['ca']],
    ['the leaf is garbage', (cluster) => cluster.changeSecret({ 'tls.crt': randomUUID() }), ['ca']],
    [
      'the user brings an authority',
      async (cluster) => {
        const { cert, key } = await CertificateAuthority.create('mine', {
          notBefore: new Date(START),
          notAfter: new Date(START + 730 * DAY),
        });
        cluster.changeSecret({ 'ca.crt': cert, 'ca.key': key });
      },
      ['ca', 'old'],
    ],
  ];
  for (const [what, damage, trusted] of damages) {
    it(`mends it when ${what}, and what replicas serve meanwhile stays trusted`, async () => {
      const leading = new Leading();
      await leading.settle();
      await leading.wait(2 * MINUTE);
      const before = leading.cluster.secret.state.ca?.fingerprint ?? '';
      await damage(leading.cluster);
      const until = leading.time.now + 2 * MINUTE;
      while (leading.time.now < until) {
        await leading.round();
        leading.time.now += SECOND;
        expect(leading.cluster.bundles.heldByAll.has(before)).to.equal(true);
      }
      const { state, problems, material } = leading.cluster.secret;
      expect(problems).to.deep.equal([]);
      expect(material).not.to.equal(undefined);
      expect(state.leaf?.issuer).to.equal(state.ca?.fingerprint);
      expect(leading.trusted).to.deep.equal(trusted);
      expect(await leading.settle()).to.deep.equal([]);
      if (!trusted.includes('old')) return;
      leading.time.now = START + 91 * DAY;
      await leading.settle();
      expect(leading.trusted).to.deep.equal(['ca']);
    });
  }

  it('makes a leaf for other hosts when they are asked for', async () => {
    const first = new Leading();
    await first.settle();
    const second = new Leading(first.time, first.cluster, { hosts: ['b.example', 'a.example'] });
    expect(await second.settle()).to.deep.equal(['secret']);
    expect(second.cluster.secret.state.leaf?.hosts).to.deep.equal(['b.example', 'a.example']);
    const third = new Leading(first.time, first.cluster, { hosts: ['a.example', 'b.example'] });
    expect(await third.settle()).to.deep.equal([]);
  });

  it('renews what lives longer than is asked for now, once', async () => {
    const first = new Leading();
    await first.settle();
    first.time.now += DAY;
    const shorter = { certificateDurationMs: HOUR, caDurationMs: 4 * HOUR };
    const second = new Leading(first.time, first.cluster, shorter);
    await second.settle();
    expect(second.trusted).to.deep.equal(['ca', 'next']);
    await second.wait(2 * MINUTE);
    const { state } = first.cluster.secret;
    expect(state.leaf?.notAfter).to.be.at.most(first.time.now + HOUR);
    expect(state.ca?.notAfter).to.be.at.most(first.time.now + 4 * HOUR);
    expect(second.made).to.deep.equal(['ca ok', 'leaf ok', 'leaf ok']);
  });

  it('never lets a leaf outlive its authority, nor renews it for nothing near its end', async () => {
    const settings = { certificateDurationMs: 90 * DAY, caDurationMs: 100 * DAY };
    const leading = new Leading({ now: START }, new CertificateCluster(), settings);
    await leading.settle();
    // The authority cannot be renewed: its configuration cannot be read.
    leading.cluster.api.intercept = (_moment, _method, path) => {
      if (path === CONFIGURATION_PATH) throw new ApiError(500, 'down');
    };
    for (let day = 1; day < 101; day += 1) {
      leading.time.now = START + day * DAY;
      await leading.round().catch(() => undefined);
      const { ca, leaf } = leading.cluster.secret.state;
      expect(leaf?.notAfter).to.be.at.most(ca?.notAfter ?? 0);
    }
    expect(leading.made).to.deep.equal(['ca ok', 'leaf ok', 'leaf ok']);
  });

  it('starts anew at once after everything has expired, by its clock: what was trusted is so for a life more', async () => {
    const leading = new Leading();
    await leading.settle();
    leading.time.now = START + 800 * DAY;
    expect(await leading.settle()).to.deep.equal(['secret', 'bundle']);
    expect(leading.trusted).to.deep.equal(['ca', 'old']);
    leading.time.now = START + 891 * DAY;
    await leading.settle();
    expect(leading.trusted).to.deep.equal(['ca']);
  });

  it('writes nothing once it has been told to stop, whatever it had begun', async () => {
    const leading = new Leading();
    leading.cluster.api.intercept = (_moment, method) => {
      if (method === 'GET') leading.signal.abort();
    };
    await leading.round();
    expect(leading.cluster.api.requests.filter((request) => !request.startsWith('GET'))).to.deep.equal([]);
  });

  it('does not overwrite what its successor wrote after it had read', async () => {
    const leading = new Leading();
    const { api } = leading.cluster;
    await leading.settle();
    const full = api.get(CONFIGURATION_PATH);
    leading.cluster.applyConfiguration();
    api.intercept = (moment, method) => {
      if (moment === 'before' && method === 'PATCH') {
        const [enforce, audit] = full['webhooks'] as object[];
        api.put(CONFIGURATION_PATH, { ...full, webhooks: [audit, enforce] });
      }
    };
    const late = await leading.round().catch((error: unknown) => error);
    expect(late).to.be.instanceOf(ApiError).and.to.include({ status: 422 });
    api.intercept = () => undefined;
    expect(await leading.settle()).to.deep.equal([]);
    expect(leading.trusted).to.deep.equal(['ca']);
  });

  it('tells a failure once while it lasts', async () => {
    const leading = new Leading({ now: START }, new CertificateCluster(), {
      certificateDurationMs: 6 * SECOND,
      caDurationMs: 12 * SECOND,
    });
    leading.cluster.api.intercept = () => {
      throw new ApiError(403, 'forbidden', 'Forbidden');
    };
    const led = leading.leader.lead(leading.signal.signal);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    leading.signal.abort();
    await led;
    expect(leading.cluster.api.requests.length).to.be.above(4);
    expect(
      leading.logger.lines.map(({ level, fields }) => `${level} ${String(fields['reason'])}`),
    ).to.deep.equal(['error forbidden']);
  });
});
