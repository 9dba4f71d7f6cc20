import type { X509Certificate } from 'node:crypto';

/**
 * The names of a client certificate: its common name and its DNS subject alternative names.
 * Node.js gives both as text in which a value with special characters stands in quotes; a comma inside such a value
 * must not start a new name (CVE-2021-44532).
 */
export function certificateNames(certificate: Pick<X509Certificate, 'subject' | 'subjectAltName'>): string[] {
  const names: string[] = [];
  const commonNames = certificate.subject.split('\n').filter((line) => line.startsWith('CN='));
  // Two common names would let two readers see two different ones.
  const [commonName] = commonNames;
  if (commonNames.length === 1 && commonName !== undefined) names.push(commonName.slice('CN='.length));
  for (const [, kind, value] of (certificate.subjectAltName ?? '').matchAll(
    /([^:,"]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/gy,
  )) {
    if (kind === 'DNS' && value !== undefined && !value.startsWith('"')) names.push(value);
  }
  return names;
}
