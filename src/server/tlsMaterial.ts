import { X509Certificate, constants, createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { TlsFileError } from './tlsFileError.js';

export interface TlsPaths {
  readonly certFile: string;
  readonly keyFile: string;
}

/** A certificate and its key, read and found to fit. */
export interface TlsMaterial {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** From when the serving certificate is valid, milliseconds since the epoch. */
  readonly begins: number;
  /** When it expires. */
  readonly expires: number;
}

/** @throws TlsFileError */
export function loadTlsMaterial({ certFile, keyFile }: TlsPaths): TlsMaterial {
  const cert = read('certificate', certFile, '--tls-cert-file');
  const key = read('private key', keyFile, '--tls-private-key-file');
  const certificate = parseCertificate('certificate', certFile, cert);
  const privateKey = parseKey(keyFile, key);
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new TlsFileError(
      `private key ${keyFile} does not belong to the certificate ${certFile}; give the two that were made together`,
    );
  }
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    throw new TlsFileError(`certificate ${certFile} cannot be used: ${messageOf(error)}`, { cause: error });
  }
  const { validFrom, validTo } = certificate;
  return { cert, key, begins: Date.parse(validFrom), expires: Date.parse(validTo) };
}

/** The certificates that sign clients' certificates, as PEM. @throws TlsFileError */
export function loadClientCa(file: string): Buffer {
  const ca = read('client CA', file, '--client-ca-file');
  parseCertificate('client CA', file, ca);
  return ca;
}

/** What all our TLS servers speak, whatever certificate they show; without one yet, every handshake fails. */
export function secureContextOptions(
  material: TlsMaterial | undefined,
  clientCa?: Buffer,
): SecureContextOptions {
  return {
    ...(material === undefined ? {} : { cert: material.cert, key: material.key }),
    ...(clientCa === undefined ? {} : { ca: clientCa }),
    minVersion: 'TLSv1.2',
    // No session tickets: Go's client does not use them, and a resumed session would outlive a changed client CA.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

function read(what: string, file: string, flag: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const cause =
      code === 'ENOENT'
        ? flag === '--client-ca-file'
          ? `no such file; point ${flag} to one`
          : `no such file; make one with "kube-harden certs", or point ${flag} to yours`
        : code === 'EACCES'
          ? `permission denied; let the user that runs kube-harden read it`
          : code === 'EISDIR'
            ? `a folder, not a file; point ${flag} to the file in it`
            : messageOf(error);
    throw new TlsFileError(`${what} ${file}: ${cause}`, { cause: error });
  }
}

function parseCertificate(what: string, file: string, pem: Buffer): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    const hint = pem.includes('PRIVATE KEY')
      ? 'it holds a private key'
      : `it should start with "-----BEGIN CERTIFICATE-----"`;
    throw new TlsFileError(`${what} ${file} is not a PEM certificate: ${hint}`, { cause: error });
  }
}

function parseKey(file: string, pem: Buffer): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    const hint = pem.includes('ENCRYPTED')
      ? `it is encrypted; write it in the clear with "openssl pkey -in ${file}"`
      : pem.includes('BEGIN CERTIFICATE')
        ? 'it holds a certificate'
        : 'it should start with "-----BEGIN PRIVATE KEY-----"';
    throw new TlsFileError(`private key ${file} is not a PEM private key: ${hint}`, { cause: error });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
