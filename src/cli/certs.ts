import { Command, InvalidArgumentError } from 'commander';
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { CommandError } from './commandError.js';
import { processOutput } from './output.js';

/** This machine, and the Service of the manifests. */
export const DEFAULT_HOSTS = ['localhost', '127.0.0.1', '::1', 'kube-harden.kube-harden.svc'] as const;

const EXAMPLE = `
Exit status: 0, or 2 where a certificate is there already or cannot be written.

Example: certificates in a folder of their own, and what is in them
  $ kube-harden certs --dir /tmp/kube-harden-certs --host webhook.example --if-missing
  $ openssl x509 -in /tmp/kube-harden-certs/tls.crt -noout -text`;

export interface CertsOptions {
  readonly dir: string;
  readonly hosts: readonly string[];
  readonly days: number;
  /** Replace a certificate that is there. */
  readonly force: boolean;
  /** Leave a certificate that is there, and call that success. */
  readonly ifMissing: boolean;
}

/** `kube-harden certs`: a certificate authority and a serving certificate for development and tests. */
export function certsCommand(): Command {
  return new Command('certs')
    .summary('make a CA and a serving certificate')
    .description(
      'Makes a certificate authority (ca.crt) and a serving certificate with its key (tls.crt, tls.key; P-256). ' +
        "The authority's key is thrown away: nothing else can ever be signed with it.",
    )
    .option('--dir <folder>', 'where the files go', 'certs')
    .option('--host <name...>', `a DNS name or IP address besides ${DEFAULT_HOSTS.join(', ')}`, [])
    .option('--days <number>', 'how long they are valid', positiveInteger, 365)
    .option('--force', 'replace what is there', false)
    .option('--if-missing', 'do nothing, successfully, where there is a certificate already', false)
    .addHelpText('after', EXAMPLE)
    .action(async ({ host, ...options }: Omit<CertsOptions, 'hosts'> & { host: string[] }) => {
      processOutput.stdout(await makeCertificates({ ...options, hosts: [...DEFAULT_HOSTS, ...host] }));
    });
}

/**
 * Writes ca.crt, tls.crt and tls.key (mode 0600), each whole or not at all.
 * @returns what was done, for the user
 * @throws CommandError where that would replace something, or cannot be written
 */
export async function makeCertificates(options: CertsOptions): Promise<string> {
  const { dir, days, force, ifMissing } = options;
  const [ca, cert, key] = ['ca.crt', 'tls.crt', 'tls.key'].map((name) => join(dir, name)) as [
    string,
    string,
    string,
  ];
  const found = [cert, key].filter((file) => existsSync(file));
  if (found.length > 0 && !force) {
    if (ifMissing && found.length === 2) return kept(cert);
    throw new CommandError(
      `${found.join(' and ')} ${found.length === 1 ? 'is' : 'are'} there; replace with --force`,
    );
  }
  const hosts = [...new Set(options.hosts)];
  for (const host of hosts) {
    if (isIP(host) === 0 && !/^(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(host)) {
      throw new CommandError(`--host ${JSON.stringify(host)} is neither a DNS name nor an IP address`);
    }
  }
  // 280 ms to load: only when there is something to make.
  const { CertificateAuthority, validFor } = await import('../server/certificateAuthority.js');
  const authority = await CertificateAuthority.create('kube-harden development CA', validFor(days));
  const leaf = await authority.issue({
    commonName: 'kube-harden',
    hosts,
    usage: 'server',
    ...validFor(days),
  });
  try {
    makeFolder(dir);
    writeWhole(key, leaf.key, 0o600);
    writeWhole(cert, leaf.cert, 0o644);
    writeWhole(ca, authority.cert, 0o644);
  } catch (error) {
    throw new CommandError(
      `cannot write to ${dir}: ${error instanceof Error ? error.message : String(error)}`,
      2,
      {
        cause: error,
      },
    );
  }
  return `${ca}, ${cert} and ${key} are made, valid for ${days} days, for ${hosts.join(', ')}\n`;
}

/** An old development certificate would make every call fail with a riddle: say so while it is easy to mend. */
function kept(cert: string): string {
  let until: Date;
  try {
    until = new Date(new X509Certificate(readFileSync(cert)).validTo);
  } catch {
    return `${cert} is there but cannot be read as a certificate; replace it with --force\n`;
  }
  const date = until.toISOString().slice(0, 10);
  return until.getTime() < Date.now()
    ? `${cert} is there but expired on ${date}; replace it with --force\n`
    : `${cert} is there, valid until ${date}\n`;
}

function writeWhole(file: string, text: string, mode: number): void {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, text, { mode, flag: 'wx' });
    renameSync(temporary, file);
  } finally {
    rmSync(temporary, { force: true });
  }
}

function positiveInteger(value: string): number {
  const days = Number(value);
  // Ten years: some verifiers compute dates beyond that wrongly, and nobody should need it here.
  if (Number.isInteger(days) && days > 0 && days <= 3650) return days;
  throw new InvalidArgumentError('It is a whole number from 1 to 3650.');
}

/**
 * As `mkdir -p`. Not with `recursive`: Node.js 20 tries for ever where the kernel says ENOENT for a folder whose parent
 * is there (/proc/x).
 */
function makeFolder(dir: string): void {
  if (existsSync(dir)) return;
  const parent = dirname(resolve(dir));
  if (!existsSync(parent)) makeFolder(parent);
  mkdirSync(dir);
}
