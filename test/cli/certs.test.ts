import { expect } from 'chai';
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '../../src/cli/commandError.js';
import { DEFAULT_HOSTS, makeCertificates, type CertsOptions } from '../../src/cli/certs.js';
import { loadTlsMaterial } from '../../src/server/tlsMaterial.js';
import { temporaryFolder } from '../system/support/certificates.js';

function make(dir: string, options: Partial<CertsOptions> = {}): Promise<string> {
  return makeCertificates({
    dir,
    hosts: DEFAULT_HOSTS,
    days: 365,
    force: false,
    ifMissing: false,
    ...options,
  });
}

async function failure(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).to.be.instanceOf(CommandError);
  return (error as CommandError).message;
}

describe('kube-harden certs', () => {
  it('makes a P-256 certificate for this machine and the Service, signed by its CA, the key for its owner only', async () => {
    const dir = join(temporaryFolder(), 'a', 'b');
    expect(
      await make(dir, { hosts: [...DEFAULT_HOSTS, 'webhook.example', '192.0.2.7'], days: 30 }),
    ).to.contain('30 days');
    expect(readdirSync(dir).sort()).to.deep.equal(['ca.crt', 'tls.crt', 'tls.key']);
    expect(statSync(join(dir, 'tls.key')).mode & 0o777).to.equal(0o600);
    const ca = new X509Certificate(readFileSync(join(dir, 'ca.crt')));
    const cert = new X509Certificate(readFileSync(join(dir, 'tls.crt')));
    expect(ca.ca).to.equal(true);
    expect(cert.verify(ca.publicKey)).to.equal(true);
    expect(cert.checkIssued(ca)).to.equal(true);
    expect(cert.publicKey.asymmetricKeyDetails).to.deep.equal({ namedCurve: 'prime256v1' });
    for (const name of ['localhost', 'kube-harden.kube-harden.svc', 'webhook.example']) {
      expect(cert.checkHost(name), name).to.equal(name);
    }
    for (const address of ['127.0.0.1', '::1', '192.0.2.7'])
      expect(cert.checkIP(address), address).to.not.equal(undefined);
    const { expires } = loadTlsMaterial({ certFile: join(dir, 'tls.crt'), keyFile: join(dir, 'tls.key') });
    expect(expires - Date.now()).to.be.within(29.9 * 86_400_000, 30 * 86_400_000);
  });

  it('keeps what is there, unless --force', async () => {
    const dir = temporaryFolder();
    await make(dir);
    const before = readFileSync(join(dir, 'tls.crt'), 'utf8');
    expect(await failure(make(dir))).to.match(/tls.crt and .*tls.key are there; replace with --force$/);
    expect(await make(dir, { ifMissing: true })).to.match(/tls.crt is there, valid until /);
    expect(readFileSync(join(dir, 'tls.crt'), 'utf8')).to.equal(before);
    await make(dir, { force: true });
    expect(readFileSync(join(dir, 'tls.crt'), 'utf8')).to.not.equal(before);
  });

  it('does not replace half a pair, nor one it cannot read, with --if-missing', async () => {
    const dir = temporaryFolder();
    await make(dir);
    writeFileSync(join(dir, 'tls.crt'), 'mine');
    expect(await make(dir, { ifMissing: true })).to.contain(
      'cannot be read as a certificate; replace it with --force',
    );
    rmSync(join(dir, 'tls.crt'));
    expect(await failure(make(dir, { ifMissing: true }))).to.match(/tls.key is there; replace with --force$/);
    expect(existsSync(join(dir, 'tls.crt'))).to.equal(false);
  });

  it('refuses a host that is none, and a folder it cannot write', async () => {
    const dir = temporaryFolder();
    expect(await failure(make(dir, { hosts: ['a b'] }))).to.equal(
      '--host "a b" is neither a DNS name nor an IP address',
    );
    writeFileSync(join(dir, 'file'), '');
    expect(await failure(make(join(dir, 'file', 'x')))).to.match(/^cannot write to .*ENOTDIR/);
  });
});
