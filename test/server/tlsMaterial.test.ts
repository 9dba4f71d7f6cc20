import { expect } from 'chai';
import { generateKeyPairSync } from 'node:crypto';
import { dirname, join } from 'node:path';
import { chmodSync, writeFileSync } from 'node:fs';
import { TlsFileError } from '../../src/server/tlsFileError.js';
import { loadClientCa, loadTlsMaterial } from '../../src/server/tlsMaterial.js';
import { servingFiles, servingPair, temporaryFolder } from '../system/support/certificates.js';

function failure(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).to.be.instanceOf(TlsFileError);
    return (error as Error).message;
  }
  throw new Error('it did not fail');
}

describe('loadTlsMaterial', () => {
  it('reads a pair and when it expires', async () => {
    const material = loadTlsMaterial(await servingFiles(10));
    expect(material.expires - Date.now()).to.be.within(9.9 * 86_400_000, 10 * 86_400_000);
  });

  it('says in one line which file is wrong, why, and what to do', async () => {
    const { dir, certFile, keyFile } = await servingFiles();
    const file = (name: string, text: string): string => {
      writeFileSync(join(dir, name), text);
      return join(dir, name);
    };
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const encrypted = file(
      'encrypted.key',
      privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString(),
    );
    const foreign = file('foreign.key', (await servingPair()).key);
    const empty = file('empty', '');
    const missing = join(dir, 'missing');
    const cases: [string, string, string][] = [
      [
        missing,
        keyFile,
        `certificate ${missing}: no such file; make one with "kube-harden certs", or point --tls-cert-file to yours`,
      ],
      [dir, keyFile, `certificate ${dir}: a folder, not a file; point --tls-cert-file to the file in it`],
      [
        empty,
        keyFile,
        `certificate ${empty} is not a PEM certificate: it should start with "-----BEGIN CERTIFICATE-----"`,
      ],
      [keyFile, keyFile, `certificate ${keyFile} is not a PEM certificate: it holds a private key`],
      [
        certFile,
        missing,
        `private key ${missing}: no such file; make one with "kube-harden certs", or point --tls-private-key-file to yours`,
      ],
      [certFile, certFile, `private key ${certFile} is not a PEM private key: it holds a certificate`],
      [
        certFile,
        encrypted,
        `private key ${encrypted} is not a PEM private key: it is encrypted; write it in the clear with "openssl pkey -in ${encrypted}"`,
      ],
      [
        certFile,
        foreign,
        `private key ${foreign} does not belong to the certificate ${certFile}; give the two that were made together`,
      ],
    ];
    for (const [cert, key, message] of cases) {
      expect(failure(() => loadTlsMaterial({ certFile: cert, keyFile: key }))).to.equal(message);
    }
  });

  it('says the same of a client CA', () => {
    const missing = join(temporaryFolder(), 'ca.crt');
    expect(failure(() => loadClientCa(missing))).to.equal(
      `client CA ${missing}: no such file; point --client-ca-file to one`,
    );
  });

  it('says what to do about a file that may not be read', async () => {
    const { certFile, keyFile } = await servingFiles();
    // Root reads everything, so the file is read as somebody else.
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) for (const path of [dirname(keyFile), certFile]) chmodSync(path, 0o755);
    chmodSync(keyFile, 0o000);
    if (isRoot) process.seteuid?.(65534);
    try {
      expect(failure(() => loadTlsMaterial({ certFile, keyFile }))).to.equal(
        `private key ${keyFile}: permission denied; let the user that runs kube-harden read it`,
      );
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });
});
