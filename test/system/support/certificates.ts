import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CertificateAuthority, validFor, type PemPair } from '../../../src/server/certificateAuthority.js';

/** A folder of its own for one test. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'kube-harden-test-'));
}

export const authority = await CertificateAuthority.create('test CA', validFor(1));

/** A serving certificate for this machine, as files. */
export async function servingFiles(days = 90): Promise<{ dir: string; certFile: string; keyFile: string }> {
  const dir = temporaryFolder();
  const certFile = join(dir, 'tls.crt');
  const keyFile = join(dir, 'tls.key');
  writePair(certFile, keyFile, await servingPair(days));
  return { dir, certFile, keyFile };
}

export function servingPair(days = 90): Promise<PemPair> {
  return authority.issue({
    commonName: 'kube-harden',
    hosts: ['localhost', '127.0.0.1', '::1'],
    usage: 'server',
    ...validFor(days),
  });
}

export function clientPair(commonName: string, hosts: string[] = [], by = authority): Promise<PemPair> {
  return by.issue({ commonName, hosts, usage: 'client', ...validFor(1) });
}

export function writePair(certFile: string, keyFile: string, { cert, key }: PemPair): void {
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key);
}
