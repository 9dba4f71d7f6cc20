import 'reflect-metadata'; // what @peculiar/x509 is built upon; it must come first
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
  type JsonGeneralName,
} from '@peculiar/x509';
import { KeyObject, createPrivateKey, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';

/** P-256: about 15 times more handshakes a second than RSA-2048. */
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 24 * 60 * 60 * 1000;
/** Clocks differ: a certificate that begins now is refused by a machine that is behind. */
const BACKDATE_MS = 5 * 60 * 1000;

export interface Validity {
  readonly notBefore?: Date;
  readonly notAfter: Date;
}

export interface Leaf extends Validity {
  readonly commonName: string;
  /** DNS names and IP addresses. */
  readonly hosts: readonly string[];
  readonly usage: 'server' | 'client';
}

export interface PemPair {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority. Unless its key is asked for, nothing more can be signed once the object is gone. */
export class CertificateAuthority {
  private constructor(
    private readonly certificate: X509Certificate,
    private readonly keys: webcrypto.CryptoKeyPair,
  ) {}

  static async create(commonName: string, validity: Validity): Promise<CertificateAuthority> {
    const keys = await makeKeys();
    const certificate = await X509CertificateGenerator.createSelfSigned({
      serialNumber: serialNumber(),
      name: [{ CN: [commonName] }],
      ...period(validity),
      keys,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    return new CertificateAuthority(certificate, keys);
  }

  /**
   * @param pair of an authority that `create` made: a P-256 key in PKCS #8
   * @throws Error where the certificate or the key cannot be read, or the key is of another kind
   */
  static async load({ cert, key }: PemPair): Promise<CertificateAuthority> {
    const certificate = new X509Certificate(cert);
    const der = createPrivateKey(key).export({ type: 'pkcs8', format: 'der' });
    const [privateKey, publicKey] = await Promise.all([
      webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, true, ['sign']),
      webcrypto.subtle.importKey('spki', certificate.publicKey.rawData, ALGORITHM, true, ['verify']),
    ]);
    return new CertificateAuthority(certificate, { privateKey, publicKey });
  }

  get cert(): string {
    return pem(this.certificate);
  }

  /** The private key, in PKCS #8. */
  get key(): string {
    return pkcs8(this.keys.privateKey);
  }

  async issue(leaf: Leaf): Promise<PemPair> {
    const keys = await makeKeys();
    const usage = leaf.usage === 'server' ? ExtendedKeyUsage.serverAuth : ExtendedKeyUsage.clientAuth;
    const names = leaf.hosts.map((value): JsonGeneralName => ({
      type: isIP(value) === 0 ? 'dns' : 'ip',
      value,
    }));
    const certificate = await X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: [{ CN: [leaf.commonName] }],
      issuer: this.certificate.subjectName,
      ...period(leaf),
      publicKey: keys.publicKey,
      signingKey: this.keys.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([usage]),
        ...(names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names)]),
        await AuthorityKeyIdentifierExtension.create(this.keys.publicKey),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    return { cert: pem(certificate), key: pkcs8(keys.privateKey) };
  }
}

/** A period that begins now and lasts so many days. */
export function validFor(days: number): Validity {
  return { notAfter: new Date(Date.now() + days * DAY_MS) };
}

/** By how much a certificate is backdated: less for one that lives less than an hour, lest that be most of its life. */
export function backdateMs(lifetimeMs: number): number {
  return Math.min(BACKDATE_MS, lifetimeMs / 12);
}

function period({ notBefore, notAfter }: Validity): Required<Validity> {
  const now = Date.now();
  return {
    notBefore: notBefore ?? new Date(now - backdateMs(Math.max(0, notAfter.getTime() - now))),
    notAfter,
  };
}

async function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

/** 127 random bits: positive, as RFC 5280 wants it. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return bytes.toString('hex');
}

function pkcs8(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString();
}

function pem(certificate: X509Certificate): string {
  return `${certificate.toString('pem').trim()}\n`;
}
