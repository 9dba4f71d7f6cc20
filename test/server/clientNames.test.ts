import { expect } from 'chai';
import { X509Certificate } from 'node:crypto';
import { certificateNames } from '../../src/server/clientNames.js';
import { clientPair } from '../system/support/certificates.js';

function named(subject: string, ...[subjectAltName]: string[]): string[] {
  return certificateNames({ subject, subjectAltName });
}

describe('certificateNames', () => {
  it('are the common name and the DNS names of a real certificate, and no address', async () => {
    const { cert } = await clientPair('kube-apiserver', ['a.example', '10.0.0.1', 'b.example']);
    expect(certificateNames(new X509Certificate(cert))).to.deep.equal([
      'kube-apiserver',
      'a.example',
      'b.example',
    ]);
  });

  it('are not taken out of a quoted value (CVE-2021-44532)', () => {
    expect(named('CN=x', 'DNS:"evil, DNS:kube-apiserver", DNS:b')).to.deep.equal(['x', 'b']);
    expect(named('CN=x', 'DNS:"evil\\", DNS:kube-apiserver", DNS:b')).to.deep.equal(['x', 'b']);
    expect(named('CN=x', 'URI:http://h/DNS:kube-apiserver, DNS:b')).to.deep.equal(['x', 'b']);
  });

  it('are not taken from a certificate with two common names', () => {
    expect(named('CN=kube-apiserver\nCN=other')).to.deep.equal([]);
  });

  it('are none for a certificate without any', () => expect(named('O=somebody')).to.deep.equal([]));
});
