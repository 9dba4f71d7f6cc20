import { expect } from 'chai';
import { ApiServerVersion, minorOf } from '../../src/cluster/apiServerVersion.js';
import { RecordingLogger } from '../system/support/testServers.js';
import { ApiServer, cut, json, status } from './support/apiServer.js';

const MINUTE = 60_000;

describe('the version of the API server', () => {
  let server: ApiServer;
  let logger: RecordingLogger;
  let version: ApiServerVersion;
  let now: number;
  beforeEach(async () => {
    server = await ApiServer.start();
    logger = new RecordingLogger();
    now = 0;
    version = new ApiServerVersion({ api: server.api, logger, clock: () => now });
    serves('36');
  });
  afterEach(() => server.close());

  function serves(minor: string): void {
    server.intercept = ({ path }) => (path === '/version' ? json({ major: '1', minor }) : undefined);
  }

  it('is read when it is asked for, once for all who ask', async () => {
    expect(server.requests).to.deep.equal([]);
    expect(await Promise.all([version.minor(), version.minor()])).to.deep.equal([36, 36]);
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).to.deep.equal(['GET /version']);
  });

  it('is believed for a minute, and then read again: a cluster is upgraded', async () => {
    await version.minor();
    serves('37');
    now = MINUTE - 1;
    expect(await version.minor()).to.equal(36);
    now = MINUTE;
    expect(await version.minor()).to.equal(37);
    expect(server.requests).to.have.length(2);
  });

  for (const [what, answer] of [
    ['a refusal', status(403, 'no')],
    ['a cut connection', cut],
    ['nonsense', json({ major: 'x' })],
  ] as const) {
    it(`is unknown after ${what}, said once, and read a minute later`, async () => {
      server.intercept = () => answer;
      expect(await version.minor()).to.equal(undefined);
      expect(await version.minor()).to.equal(undefined);
      now += MINUTE;
      expect(await version.minor()).to.equal(undefined);
      expect(server.requests).to.have.length(2);
      expect(logger.lines.map(({ level }) => level)).to.deep.equal(['warn']);
      expect(logger.lines[0]?.fields['judgedBy']).to.equal('the newest known');
      serves('36');
      now += MINUTE;
      expect(await version.minor()).to.equal(36);
    });

    it(`stays what it was after ${what}`, async () => {
      await version.minor();
      server.intercept = () => answer;
      now += MINUTE;
      expect(await version.minor()).to.equal(36);
      expect(logger.lines[0]?.fields['judgedBy']).to.equal('v1.36');
    });
  }

  for (const { it: what, info, minor } of [
    { it: 'its minor', info: { major: '1', minor: '36', gitVersion: 'v1.36.4' }, minor: 36 },
    { it: 'its minor with what clouds add', info: { major: '1', minor: '33+' }, minor: 33 },
    {
      it: 'the version that it emulates',
      info: { major: '1', minor: '37', emulationMajor: '1', emulationMinor: '36' },
      minor: 36,
    },
    { it: 'nothing of another major', info: { major: '2', minor: '36' }, minor: undefined },
    { it: 'nothing without a minor', info: { major: '1', minor: '' }, minor: undefined },
    { it: 'nothing of an empty answer', info: {}, minor: undefined },
  ]) {
    it(`gives ${what}`, () => expect(minorOf(info)).to.equal(minor));
  }
});
