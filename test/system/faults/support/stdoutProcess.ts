import { join } from 'node:path';
import { freePort } from '../../../e2e/support/freePort.js';
import { OwnedProcess } from '../../../e2e/support/ownedProcess.js';
import { imageNodeFlags } from '../../../support/imageEntrypoint.js';
import { servingPair } from '../../support/certificates.js';
import { eventually, get, outcome } from '../../support/clients.js';
import { runFolder } from './serveProcess.js';

const MAIN = process.env['E2E_MAIN'] ?? join(import.meta.dirname, '..', '..', '..', '..', 'dist', 'main.js');

export interface StdoutProcess {
  readonly process: OwnedProcess;
  readonly admissionPort: number;
  readonly opsUrl: string;
  /** What it wrote to standard error. */
  readonly logFile: string;
}

/**
 * A standalone `kube-harden serve` of which nobody may read the log, so that its ports are chosen for it; ready.
 *
 * @param redirection of its standard output, as bash writes it
 */
export async function serveWithStdout(name: string, redirection: string): Promise<StdoutProcess> {
  const { cert, key } = await servingPair(1);
  const [admissionPort, opsPort] = [await freePort(), await freePort()];
  const logFile = runFolder.logFile(name);
  const serve = [process.execPath, ...imageNodeFlags(), MAIN, 'serve', '--kubeconfig', 'none'];
  const flags = [
    ...['--admission-bind-address', `127.0.0.1:${admissionPort}`, '--preview-bind-address', '0'],
    ...['--ops-bind-address', `127.0.0.1:${opsPort}`, '--log-format', 'json'],
    ...['--log-level', 'debug', '--log-decisions', 'all'],
    ...['--tls-cert-file', runFolder.write(`${name}.crt`, cert)],
    ...['--tls-private-key-file', runFolder.write(`${name}.key`, key)],
  ];
  const owned = OwnedProcess.start({
    name,
    command: '/bin/bash',
    args: ['-c', `exec "$@" ${redirection}`, name, ...serve, ...flags],
    logFile,
    env: { PATH: process.env['PATH'], HOME: runFolder.path, NODE_ENV: 'production' },
    cwd: runFolder.path,
  });
  const opsUrl = `http://127.0.0.1:${opsPort}`;
  await eventually(async () => !owned.running || (await outcome(get(`${opsUrl}/readyz`))) === '200');
  return { process: owned, admissionPort, opsUrl, logFile };
}
