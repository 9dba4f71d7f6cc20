import { X509Certificate, createPrivateKey } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { isRecord } from '../hardening/locate.js';
import type { TlsMaterial } from '../server/tlsMaterial.js';
import type { ApiObject } from './apiClient.js';
import type { CertificateState, Dated, HeldAuthority, HeldLeaf } from './certificateState.js';

/**
 * The Secret's keys. The first three are those of any TLS Secret; `ca.key` and `next-ca.key` are the authorities' own.
 * `old-ca.crt` may hold several certificates; their keys are gone.
 */
export const SECRET_KEYS = [
  'tls.crt',
  'tls.key',
  'ca.crt',
  'ca.key',
  'next-ca.crt',
  'next-ca.key',
  'old-ca.crt',
] as const;
export type SecretKey = (typeof SECRET_KEYS)[number];
export type SecretData = Readonly<Partial<Record<SecretKey, string>>>;

/** Until when `old-ca.crt` is trusted, RFC 3339. */
export const OLD_UNTIL = 'kube-harden.io/old-ca-until';

export interface Authority extends Dated {
  readonly pem: string;
  readonly x509: X509Certificate;
}

/** What a Secret holds, read as far as it can be read. */
export interface CertificateSecret {
  readonly data: SecretData;
  readonly state: CertificateState;
  /** Those of `old-ca.crt`. */
  readonly old: readonly Authority[];
  /** Every authority that is to be trusted: the signing one, the next one, the old ones. */
  readonly authorities: readonly Authority[];
  /** What is to be served; undefined where there is no leaf, or one that does not fit. */
  readonly material: TlsMaterial | undefined;
  /** What is broken, each in one line that names the key. What is missing is not broken. */
  readonly problems: readonly string[];
}

export function readCertificateSecret(secret: ApiObject): CertificateSecret {
  const problems: string[] = [];
  const data = dataOf(secret, problems);
  const ca = authority(data, 'ca', problems);
  const next = authority(data, 'next-ca', problems);
  const old = readBundle(data['old-ca.crt'] ?? '');
  if (old.length === 0 && data['old-ca.crt'] !== undefined)
    problems.push('old-ca.crt holds no certificate that can be read');
  const authorities = distinct([ca?.authority, next?.authority, ...old]);
  const leaf = readLeaf(data, authorities, problems);
  const until = Date.parse(secret.metadata?.annotations?.[OLD_UNTIL] ?? '');
  return {
    data,
    state: {
      ca: ca?.held,
      next: next?.held,
      old,
      oldUntil: Number.isNaN(until) ? undefined : until,
      leaf: leaf?.held,
    },
    old,
    authorities,
    material: leaf?.material,
    problems,
  };
}

/** The Secret as it is to be written: everything of others in it stays, and the resourceVersion with it. */
export function writeCertificateSecret(
  secret: ApiObject,
  data: SecretData,
  oldUntil: number | undefined,
): ApiObject {
  const { metadata = {} } = secret;
  const others = Object.entries(isRecord(secret['data']) ? secret['data'] : {}).filter(
    ([key]) => !(SECRET_KEYS as readonly string[]).includes(key),
  );
  const ours = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
  const annotations = Object.entries(metadata.annotations ?? {}).filter(([key]) => key !== OLD_UNTIL);
  if (oldUntil !== undefined && data['old-ca.crt'] !== undefined)
    annotations.push([OLD_UNTIL, new Date(oldUntil).toISOString()]);
  return {
    ...secret,
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { ...metadata, annotations: Object.fromEntries(annotations) },
    data: Object.fromEntries([...others, ...ours]) as Record<string, string>,
  };
}

/** The certificates of a PEM text; what cannot be read among them is left out. */
export function readBundle(pem: string): Authority[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^]+?-----END CERTIFICATE-----/g) ?? [];
  return blocks.flatMap((block) => {
    try {
      return [dated(block)];
    } catch {
      return [];
    }
  });
}

export function bundlePem(authorities: readonly Authority[]): string {
  return authorities.map(({ pem }) => pem).join('');
}

function dataOf(secret: ApiObject, problems: string[]): SecretData {
  const raw = isRecord(secret['data']) ? secret['data'] : {};
  const data: Partial<Record<SecretKey, string>> = {};
  for (const key of SECRET_KEYS) {
    const value = raw[key];
    if (value === undefined || value === '') continue;
    if (typeof value === 'string') data[key] = Buffer.from(value, 'base64').toString('utf8');
    else problems.push(`${key} is not a string`);
  }
  return data;
}

function dated(pem: string): Authority {
  const x509 = new X509Certificate(pem);
  return {
    pem: x509.toString(),
    x509,
    fingerprint: x509.fingerprint256,
    notBefore: Date.parse(x509.validFrom),
    notAfter: Date.parse(x509.validTo),
  };
}

function authority(
  data: SecretData,
  name: 'ca' | 'next-ca',
  problems: string[],
): { authority: Authority; held: HeldAuthority } | undefined {
  const [cert, key] = [data[`${name}.crt`], data[`${name}.key`]];
  if (cert === undefined) {
    if (key !== undefined) problems.push(`${name}.key is there without ${name}.crt`);
    return undefined;
  }
  let read: Authority;
  try {
    read = dated(cert);
  } catch {
    problems.push(`${name}.crt is not a PEM certificate`);
    return undefined;
  }
  if (!read.x509.ca) {
    problems.push(`${name}.crt is not the certificate of an authority`);
    return undefined;
  }
  const problem = key === undefined ? `${name}.key is missing` : keyProblem(`${name}.key`, read.x509, key);
  if (problem !== undefined) problems.push(problem);
  const { fingerprint, notBefore, notAfter } = read;
  return { authority: read, held: { fingerprint, notBefore, notAfter, canSign: problem === undefined } };
}

/** Only P-256 keys are ours: see CertificateAuthority. */
function keyProblem(name: string, certificate: X509Certificate, pem: string): string | undefined {
  try {
    const key = createPrivateKey(pem);
    if (!certificate.checkPrivateKey(key)) return `${name} does not belong to its certificate`;
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? undefined : `${name} is not a P-256 key`;
  } catch {
    return `${name} is not a PEM private key`;
  }
}

function readLeaf(
  data: SecretData,
  authorities: readonly Authority[],
  problems: string[],
): { held: HeldLeaf; material: TlsMaterial } | undefined {
  const { 'tls.crt': cert, 'tls.key': key } = data;
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    problems.push(`${cert === undefined ? 'tls.crt' : 'tls.key'} is missing`);
    return undefined;
  }
  let leaf: Authority;
  try {
    leaf = dated(cert);
    if (!leaf.x509.checkPrivateKey(createPrivateKey(key))) {
      problems.push('tls.key does not belong to tls.crt');
      return undefined;
    }
    createSecureContext({ cert, key });
  } catch (error) {
    problems.push(
      `tls.crt and tls.key cannot be used: ${error instanceof Error ? error.message : String(error)}`,
    );
    return undefined;
  }
  const issuer = authorities.find(
    ({ x509 }) => leaf.x509.checkIssued(x509) && leaf.x509.verify(x509.publicKey),
  );
  if (issuer === undefined) {
    problems.push('tls.crt is signed by none of ca.crt, next-ca.crt and old-ca.crt');
    return undefined;
  }
  const { fingerprint, notBefore, notAfter } = leaf;
  return {
    held: { fingerprint, notBefore, notAfter, issuer: issuer.fingerprint, hosts: hostsOf(leaf.x509) },
    material: { cert: Buffer.from(cert), key: Buffer.from(key), begins: notBefore, expires: notAfter },
  };
}

/** `DNS:a.example, IP Address:10.0.0.1`, as Node.js prints the names; ours need no quoting. */
function hostsOf({ subjectAltName = '' }: X509Certificate): string[] {
  return subjectAltName
    .split(', ')
    .filter((name) => name !== '')
    .map((name) => name.replace(/^(?:DNS|IP Address):/, ''));
}

function distinct(authorities: readonly (Authority | undefined)[]): Authority[] {
  const byFingerprint = new Map<string, Authority>();
  for (const held of authorities) if (held !== undefined) byFingerprint.set(held.fingerprint, held);
  // By age, so that a bundle of the same ones reads the same whatever part each plays.
  return [...byFingerprint.values()].sort(
    (a, b) => a.notBefore - b.notBefore || (a.fingerprint < b.fingerprint ? -1 : 1),
  );
}
