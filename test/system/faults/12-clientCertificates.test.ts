import { expect } from 'chai';
import type { PemPair } from '../../../src/server/certificateAuthority.js';
import { CertificateAuthority, validFor } from '../../../src/server/certificateAuthority.js';
import type { KubeHarden } from '../../e2e/support/kubeHarden.js';
import { podReview } from '../../bench/review.js';
import { authority, clientPair } from '../support/certificates.js';
import { RawConnection, get, outcome, post } from '../support/clients.js';
import { rawRequest } from './support/rawRequest.js';
import { hardens, print, runFolder, serve } from './support/serveProcess.js';

const EACH = 50;
const ALLOWED = 'kube-apiserver';

describe('12. client certificates that are required', () => {
  let server: KubeHarden;
  let good: PemPair;
  before(async () => {
    const caFile = runFolder.write('client-ca.crt', authority.cert);
    server = await serve({ args: ['--client-ca-file', caFile, '--client-allowed-names', ALLOWED] });
    good = await clientPair(ALLOWED);
  });
  afterEach(async () => {
    expect(await hardens(server, good), 'the next request').to.equal(true);
    expect((await get(`${server.opsUrl}/livez`)).text).to.equal('ok');
    expect((await get(`${server.opsUrl}/readyz`)).text).to.equal('ok');
  });
  after(() => server.stop());

  const refusedBy = (reason: string): Promise<number> =>
    server.metric('kube_harden_refused_requests_total', { reason });
  const answers = (): Promise<number> => server.metric('kube_harden_responses_total');

  const bad: Record<string, () => Promise<PemPair | undefined>> = {
    none: () => Promise.resolve(undefined),
    'one of another CA': async () =>
      clientPair(ALLOWED, [], await CertificateAuthority.create('other CA', validFor(1))),
    'one of another CA of the same name': async () =>
      clientPair(ALLOWED, [], await CertificateAuthority.create('test CA', validFor(1))),
    'one that has expired': () =>
      authority.issue({
        commonName: ALLOWED,
        hosts: [],
        usage: 'client',
        notBefore: new Date(Date.now() - 20_000),
        notAfter: new Date(Date.now() - 10_000),
      }),
  };
  for (const [what, make] of Object.entries(bad)) {
    it(`${what}: refused at the handshake`, async () => {
      const pair = await make();
      const [refused, answered] = [await refusedBy('handshake'), await answers()];
      for (let call = 0; call < EACH; call += 1)
        expect(await outcome(post(server.admissionPort, podReview(1), pair ?? {}))).to.match(/^(?!\d)/);
      const counted = (await refusedBy('handshake')) - refused;
      print(`${EACH} refused, ${counted} counted, ${(await answers()) - answered} answered`);
      expect(counted).to.equal(EACH);
      expect(await answers()).to.equal(answered);
    });
  }

  for (const [what, name, hosts] of [
    ["a node's name", 'system:node:worker-1', []],
    ['a name that begins like it', `${ALLOWED}.evil`, ['evil.example']],
    ['two names in one', `x, CN=${ALLOWED}`, []],
  ] as [string, string, string[]][]) {
    it(`${what}: closed before a byte of the request is read`, async () => {
      const pair = await clientPair(name, hosts);
      const [refused, answered] = [await refusedBy('clientName'), await answers()];
      for (let call = 0; call < EACH; call += 1) {
        const connection = await RawConnection.open(server.admissionPort, pair);
        connection.write(rawRequest(podReview(1)));
        expect(await connection.untilClosed()).to.equal('');
      }
      const counted = (await refusedBy('clientName')) - refused;
      print(`${EACH} closed, ${counted} counted, ${(await answers()) - answered} answered`);
      expect(counted).to.equal(EACH);
      expect(await answers()).to.equal(answered);
    });
  }
});
