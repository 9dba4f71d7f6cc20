import { expect } from 'chai';
import { X509Certificate } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CertificateAuthority, validFor } from '../../src/server/certificateAuthority.js';
import { TlsFiles } from '../../src/server/tlsFiles.js';
import { Metrics } from '../../src/telemetry/metrics.js';
import {
  authority,
  clientPair,
  servingFiles,
  servingPair,
  temporaryFolder,
  writePair,
} from './support/certificates.js';
import { RawConnection, eventually, get, outcome, post, serves } from './support/clients.js';
import {
  RecordingLogger,
  closeServers,
  healthyReview,
  startServers,
  type TestServers,
} from './support/testServers.js';

/** The serial number of the certificate that a new connection is shown. */
async function servedSerial(port: number): Promise<string> {
  const connection = await RawConnection.open(port);
  const { serialNumber } = connection.socket.getPeerCertificate();
  connection.destroy();
  return serialNumber;
}

describe('TLS', () => {
  afterEach(closeServers);

  it('speaks 1.2 and 1.3, with P-256, and nothing older', async () => {
    const { port } = await startServers();
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const connection = await RawConnection.open(port, { maxVersion: version });
      expect(connection.socket.getProtocol()).to.equal(version);
      connection.destroy();
    }
    const old = await RawConnection.open(port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' });
    expect(await old.untilClosed()).to.equal('');
    expect(old.socket.authorized).to.equal(false);
  });

  describe('files that change', () => {
    it('are served to new connections, on both TLS listeners, while open ones go on', async () => {
      const { port, certFile, keyFile, servers, metrics } = await startServers();
      const previewPort = servers.preview?.listener.address.port ?? 0;
      const open = await RawConnection.open(port);
      const before = await servedSerial(port);
      const pair = await servingPair();
      // As a kubelet or cert-manager does it: written beside, then renamed.
      writePair(`${certFile}.new`, `${keyFile}.new`, pair);
      renameSync(`${certFile}.new`, certFile);
      renameSync(`${keyFile}.new`, keyFile);
      await eventually(async () => (await servedSerial(port)) !== before);
      expect(await servedSerial(previewPort)).to.equal(await servedSerial(port));
      expect(metrics.tlsReloads.value).to.be.at.least(1);
      expect(metrics.tlsReloadFailures.value).to.equal(0);
      const body = healthyReview('old connection');
      open.write(
        `POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      expect(await open.until(/old connection/)).to.contain('200 OK');
      open.destroy();
    });

    it('are served where they change between the first look at them and the start', async () => {
      const { certFile, keyFile } = await servingFiles();
      const logger = new RecordingLogger();
      const metrics = new Metrics({ version: 'test' });
      const tls = new TlsFiles({ certFile, keyFile, logger, metrics });
      const pair = await servingPair();
      writePair(certFile, keyFile, pair);
      const { port } = await startServers({ tls });
      const { serialNumber } = new X509Certificate(pair.cert);
      await eventually(async () => (await servedSerial(port)) === serialNumber);
      tls.close();
    });

    it('keep the old pair in use while the new one is broken, and say so', async () => {
      const { port, certFile, keyFile, metrics, logger } = await startServers();
      const before = await servedSerial(port);
      const { key } = await servingPair();
      writeFileSync(keyFile, key);
      await eventually(() => metrics.tlsReloadFailures.value === 1);
      expect(await servedSerial(port)).to.equal(before);
      expect(await serves(port)).to.equal(true);
      const line = logger.lines.find(({ level }) => level === 'error');
      expect(line?.fields['reason']).to.equal(
        `private key ${keyFile} does not belong to the certificate ${certFile}; give the two that were made together`,
      );
      writePair(certFile, keyFile, await servingPair());
      await eventually(async () => (await servedSerial(port)) !== before);
    });

    it('are missed when they are removed, and served when they are back', async () => {
      const { port, certFile, keyFile, metrics } = await startServers();
      const before = await servedSerial(port);
      rmSync(certFile);
      await eventually(() => metrics.tlsReloadFailures.value === 1);
      expect(await serves(port)).to.equal(true);
      writePair(certFile, keyFile, await servingPair());
      await eventually(async () => (await servedSerial(port)) !== before);
    });
  });

  it('shows in readiness and in a metric when the certificate expires', async () => {
    const { opsUrl, certFile, keyFile, metrics } = await startServers();
    const soon = await servingPair(3);
    writePair(certFile, keyFile, soon);
    await eventually(() => metrics.tlsReloads.value === 1);
    expect((await get(`${opsUrl}/readyz?verbose`)).text).to.match(
      /\[\+\]certificate ok: expires on [-\d]+, in 2 days/,
    );
    const seconds = /^kube_harden_certificate_expiry_timestamp_seconds (\d+)$/m.exec(
      (await get(`${opsUrl}/metrics`)).text,
    );
    expect(Number(seconds?.[1]) - Date.now() / 1000).to.be.within(2.9 * 86_400, 3 * 86_400);
    const past = await authority.issue({
      commonName: 'expired',
      hosts: ['127.0.0.1'],
      usage: 'server',
      notBefore: new Date(Date.now() - 86_400_000),
      notAfter: new Date(Date.now() - 1000),
    });
    writePair(certFile, keyFile, past);
    await eventually(() => metrics.tlsReloads.value === 2);
    const ready = await get(`${opsUrl}/readyz`);
    expect(ready.status).to.equal(503);
    expect(ready.text).to.match(/^\[-\]certificate failed: expired on [-\d]+\nreadyz check failed\n$/);
  });
});

describe('client certificates', () => {
  let caFile: string;
  before(() => {
    caFile = join(temporaryFolder(), 'client-ca.crt');
    writeFileSync(caFile, authority.cert);
  });
  afterEach(closeServers);

  async function refusedAtHandshake(server: TestServers, pair: object): Promise<void> {
    const refused = server.metrics.refused.handshake.value;
    expect(await outcome(post(server.port, healthyReview('u'), pair))).to.match(/^(?!\d)/);
    await eventually(() => server.metrics.refused.handshake.value > refused);
    expect(server.metrics.requestsInFlight.value).to.equal(0);
  }

  it('are asked for with --client-ca-file: none, of another authority, expired are refused at the handshake', async () => {
    const server = await startServers({ clientCaFile: caFile });
    const good = await clientPair('kube-apiserver');
    const other = await CertificateAuthority.create('other CA', validFor(1));
    const expired = await authority.issue({
      commonName: 'kube-apiserver',
      hosts: [],
      usage: 'client',
      notBefore: new Date(Date.now() - 20_000),
      notAfter: new Date(Date.now() - 10_000),
    });
    for (const bad of [{}, await clientPair('kube-apiserver', [], other), expired]) {
      await refusedAtHandshake(server, bad);
      expect(await serves(server.port, good)).to.equal(true);
    }
    expect((await get(`${server.opsUrl}/readyz`)).status).to.equal(200);
    expect((await get(`${server.opsUrl}/livez`)).text).to.equal('ok');
  });

  it('of other names than --client-allowed-names are closed before a byte is read', async () => {
    let calls = 0;
    const server = await startServers({
      clientCaFile: caFile,
      clientAllowedNames: ['kube-apiserver', 'apiserver.example'],
      handler: (body) => {
        calls += 1;
        return { status: 200, body: body.toString() };
      },
    });
    for (const allowed of [
      await clientPair('kube-apiserver'),
      await clientPair('x', ['apiserver.example']),
    ]) {
      expect((await post(server.port, healthyReview('u'), allowed)).status).to.equal(200);
    }
    for (const [name, hosts] of [
      ['system:node:worker-1', []],
      ['kube-apiserver.evil', ['evil.example']],
    ] as [string, string[]][]) {
      const { cert, key } = await clientPair(name, hosts);
      const connection = await RawConnection.open(server.port, { cert, key });
      connection.write('POST /mutate HTTP/1.1\r\nHost: x\r\n\r\n');
      expect(await connection.untilClosed()).to.equal('');
    }
    expect(calls).to.equal(2);
    expect(server.metrics.refused.clientName.value).to.equal(2);
    expect(server.logger.lines.filter(({ level }) => level === 'error')).to.deep.equal([]);
  });

  it('are checked against a changed CA file', async () => {
    const other = await CertificateAuthority.create('next CA', validFor(1));
    const server = await startServers({ clientCaFile: caFile });
    const next = await clientPair('kube-apiserver', [], other);
    await refusedAtHandshake(server, next);
    writeFileSync(caFile, other.cert);
    await eventually(() => server.metrics.tlsReloads.value === 1);
    expect(await serves(server.port, next)).to.equal(true);
    await refusedAtHandshake(server, await clientPair('kube-apiserver'));
    writeFileSync(caFile, authority.cert);
  });
});
