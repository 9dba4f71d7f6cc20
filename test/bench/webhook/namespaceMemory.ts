import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { ApiServer } from '../../cluster/support/apiServer.js';
import { REPLICA_SET_MARK } from '../review.js';
import { freePort, post, usage, type Files } from './servers.js';

const MAIN = fileURLToPath(new URL('../../../dist/main.js', import.meta.url));
const FEW = 10;
const MANY = 10_000;
/** Decisions after the start, spread over the namespaces; none can be remembered. */
const DECISIONS = 2_000;
const RUNS = 3;

/**
 * Memory of a `serve` that watches a cluster of 10 namespaces, and of one that watches 10,000, each with labels of other
 * people and after the same decisions; medians, in MB.
 */
export async function namespaceMemory(files: Files): Promise<{ few: number; many: number }> {
  const few: number[] = [];
  const many: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    few.push(await memoryWith(FEW, files));
    many.push(await memoryWith(MANY, files));
  }
  const middle = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[1] ?? Number.NaN;
  return { few: middle(few), many: middle(many) };
}

async function memoryWith(namespaces: number, files: Files): Promise<number> {
  const cluster = await ApiServer.start();
  cluster.pageSize = 500;
  for (const path of ['/api/v1/limitranges', '/api/v1/resourcequotas']) cluster.serve(path);
  cluster.serve('/apis/kube-harden.io/v1alpha1/hardeningpolicies');
  for (let index = 0; index < namespaces; index += 1)
    cluster.putSilently('/api/v1/namespaces', {
      metadata: { name: `team-${index}`, labels: labelsOf(index) },
    });
  const kubeconfig = join(files.folder, `cluster-${namespaces}.json`);
  writeFileSync(kubeconfig, JSON.stringify(cluster.kubeconfig));
  const port = await freePort();
  const child = spawn(
    process.execPath,
    [
      MAIN,
      'serve',
      ...['--kubeconfig', kubeconfig, '--preview-bind-address', '0', '--ops-bind-address', '127.0.0.1:0'],
      ...['--admission-bind-address', `127.0.0.1:${port}`, '--log-format', 'json'],
      ...['--tls-cert-file', files.certFile, '--tls-private-key-file', files.keyFile],
    ],
    { stdio: 'ignore' },
  );
  try {
    await answered(port, files.review.replace('"shop"', '"team-0"'));
    for (let index = 0; index < DECISIONS; index += 1) {
      const name = `team-${index % namespaces}`;
      const hash = String(index).padStart(REPLICA_SET_MARK.length, '0');
      const review = files.review.replaceAll(REPLICA_SET_MARK, hash);
      await post(port, '/mutate', review.replaceAll('"namespace":"shop"', `"namespace":"${name}"`));
    }
    return usage(child.pid ?? 0).rssBytes / 2 ** 20;
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
    cluster.close();
  }
}

function labelsOf(index: number): Record<string, string> {
  const foreign = Array.from({ length: 20 }, (_, n) => [`example.com/label-${n}`, `value-${index}-${n}`]);
  return { ...(Object.fromEntries(foreign) as Record<string, string>), 'kube-harden.io/mode': 'enforce' };
}

async function answered(port: number, review: string): Promise<void> {
  for (let tries = 0; tries < 1000; tries += 1) {
    const answer = await post(port, '/mutate', review).catch(() => undefined);
    if (answer?.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('serve did not become ready');
}
