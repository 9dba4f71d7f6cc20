/**
 * What hardening adds to the creation of a pod, through a real kube-apiserver: nothing, in-tree CEL policies, the least
 * webhook there can be, and kube-harden, in alternating rounds of one run. Everything shares this machine's cores. Pods
 * come as a ReplicaSet's controller makes them, all from one template, and as people make them, with a name each.
 *
 *   npm run bench:e2e                  BENCH_ROUNDS=32 for more rounds, BENCH_OUT=FILE for the figures as JSON
 */
import { writeFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import type { ApiClient, Json } from '../../e2e/controlPlane/apiClient.js';
import { findBinaries } from '../../e2e/controlPlane/binaries.js';
import { ControlPlane } from '../../e2e/controlPlane/controlPlane.js';
import { cleanUpWhenInterrupted } from '../../e2e/support/interruption.js';
import { pointWebhooks } from '../../e2e/support/install.js';
import { RunFolder } from '../../e2e/support/runFolder.js';
import { eventually } from '../../e2e/support/wait.js';
import { World, setWorld } from '../../e2e/support/world.js';
import { PODS, VARIANTS, makeVariants, podToCreate, type Pods, type Variant } from './variants.js';

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 16);
/** Connections, and the pods of a round with them: about half a second each. */
const LOADS: readonly Load[] = [
  { connections: 1, pods: 60 },
  { connections: 16, pods: 160 },
];
/**
 * Before the first round, so that what is compared is what a cluster has after its first minutes: both webhooks are
 * JavaScript that is compiled in steps, the smaller one sooner.
 */
const WARM_UP: Load = { connections: 16, pods: 1500 };
const TITLES: Record<Pods, string> = { ReplicaSet: 'of a ReplicaSet', named: 'with a name each' };
/** What is added to the p50 of nothing, with one connection: kube-harden's share of the others'. */
const GOALS = { 'in-tree': 0.7, floor: 1.15 } as const;

interface Load {
  readonly connections: number;
  readonly pods: number;
}

interface Figures {
  readonly perSecond: number[];
  readonly milliseconds: number[];
  /** Of each round. */
  readonly p50: number[];
}
type Results = Record<Variant, Figures>;

async function round(
  client: ApiClient,
  namespace: string,
  kind: Pods,
  { connections, pods }: Load,
): Promise<Figures> {
  const milliseconds: number[] = [];
  let next = 0;
  const pod = podToCreate(kind);
  const worker = async (): Promise<void> => {
    while (next < pods) {
      const number = next++;
      if (kind === 'named') pod.metadata.name = `web-${number}`;
      const body = JSON.stringify(pod);
      const began = performance.now();
      const reply = await client.api('POST', `/api/v1/namespaces/${namespace}/pods?dryRun=All`, body);
      milliseconds.push(performance.now() - began);
      if (reply.status !== 201)
        throw new Error(`${namespace}: ${reply.status} ${JSON.stringify(reply.body)}`);
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: connections }, worker));
  return {
    milliseconds,
    perSecond: [(pods * 1000) / (performance.now() - began)],
    p50: [quantile(milliseconds, 0.5)],
  };
}

/** All variants have to do the same to a pod, or nothing is compared. */
async function checkSame(client: ApiClient, namespaces: Record<Variant, string>): Promise<void> {
  const specOf = async (variant: Variant): Promise<Json> => {
    const pod = podToCreate('ReplicaSet');
    const path = `/api/v1/namespaces/${namespaces[variant]}/pods?dryRun=All`;
    const { status, body } = await client.api('POST', path, pod);
    if (status !== 201) throw new Error(`${variant}: ${JSON.stringify(body)}`);
    // Volumes' names are made up, the token's anew for each pod; their order is no matter.
    const spec = JSON.parse(
      JSON.stringify(body.spec).replaceAll(/kube-api-access-\w{5}|(?:kube-harden-)?tmp-[\w-]+/g, 'made-up'),
    );
    for (const list of [spec.volumes, ...spec.containers.map((container: Json) => container.volumeMounts)])
      list.sort((a: Json, b: Json) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
    return spec;
  };
  const ours = await specOf('kube-harden');
  for (const variant of ['in-tree', 'in-tree, patch', 'floor', 'floor, told'] as const) {
    let theirs: Json;
    const isSame = async (): Promise<boolean> => isDeepStrictEqual((theirs = await specOf(variant)), ours);
    // A policy takes effect some seconds after it was made.
    await eventually(`${variant} doing what kube-harden does`, isSame, 20_000, 500).catch(
      (error: unknown) => {
        console.error(`${variant}:\n${JSON.stringify(theirs)}\nkube-harden:\n${JSON.stringify(ours)}`);
        throw error;
      },
    );
  }
  if (isDeepStrictEqual(await specOf('nothing'), ours))
    throw new Error('kube-harden does nothing to this pod');
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}

function print(
  title: string,
  results: Results,
): Record<Variant, { p50: number; p99: number; perSecond: number }> {
  const rows = Object.fromEntries(
    VARIANTS.map((variant) => {
      const { milliseconds, perSecond } = results[variant];
      const figures = { p50: quantile(milliseconds, 0.5), p99: quantile(milliseconds, 0.99) };
      return [variant, { ...figures, perSecond: quantile(perSecond, 0.5) }];
    }),
  ) as Record<Variant, { p50: number; p99: number; perSecond: number }>;
  const floor = rows.floor;
  console.log(`\n${title}`);
  console.log(
    '  variant          per second        p50        p99   added p50   × floor: per second, p50, p99',
  );
  for (const variant of VARIANTS) {
    const { p50, p99, perSecond } = rows[variant];
    const ms = (value: number): string => `${value.toFixed(2)} ms`.padStart(10);
    const ratios = [perSecond / floor.perSecond, p50 / floor.p50, p99 / floor.p99].map((ratio) =>
      ratio.toFixed(2),
    );
    console.log(
      `  ${variant.padEnd(14)} ${perSecond.toFixed(0).padStart(10)}/s ${ms(p50)} ${ms(p99)}  ${ms(p50 - rows.nothing.p50)}   ${ratios.join(', ')}`,
    );
  }
  return rows;
}

async function run(controlPlane: ControlPlane): Promise<void> {
  const namespaces = await makeVariants(controlPlane);
  const first = await controlPlane.client({ maxSockets: 1 });
  await checkSame(first, namespaces);
  first.close();
  const warm = await controlPlane.client({ maxSockets: WARM_UP.connections });
  for (const variant of VARIANTS)
    for (const kind of PODS) await round(warm, namespaces[variant], kind, WARM_UP);
  warm.close();
  const out: Record<string, unknown> = {};
  for (const kind of PODS)
    for (const load of LOADS) {
      const results = await measure(controlPlane, namespaces, kind, load);
      const title = `pods ${TITLES[kind]}, ${load.connections} connection${load.connections === 1 ? '' : 's'}`;
      out[title] = print(`${title}, ${ROUNDS} rounds each`, results);
      if (load.connections === 1) judge(results);
    }
  if (process.env['BENCH_OUT']) writeFileSync(process.env['BENCH_OUT'], `${JSON.stringify(out, null, 2)}\n`);
}

async function measure(
  controlPlane: ControlPlane,
  namespaces: Record<Variant, string>,
  kind: Pods,
  load: Load,
): Promise<Results> {
  const client = await controlPlane.client({ maxSockets: load.connections });
  const results = Object.fromEntries(
    VARIANTS.map((variant) => [variant, { perSecond: [], milliseconds: [], p50: [] }]),
  ) as unknown as Results;
  // The first round opens connections, and is not counted.
  for (let number = 0; number <= ROUNDS; number++) {
    const order = number % 2 === 0 ? VARIANTS : VARIANTS.toReversed();
    for (const variant of order) {
      const figures = await round(client, namespaces[variant], kind, load);
      if (number === 0) continue;
      results[variant].perSecond.push(...figures.perSecond);
      results[variant].milliseconds.push(...figures.milliseconds);
      results[variant].p50.push(...figures.p50);
    }
  }
  client.close();
  return results;
}

/** Round by round: a machine that is slow for some of them is so for all variants. */
function judge(results: Results): void {
  const added = (variant: Variant): number =>
    quantile(
      results[variant].p50.map((p50, index) => p50 - (results.nothing.p50[index] ?? Number.NaN)),
      0.5,
    );
  for (const [other, most] of Object.entries(GOALS) as ['in-tree' | 'floor', number][]) {
    const ratio = added('kube-harden') / added(other);
    const word = ratio <= most ? 'holds ' : 'MISSED';
    console.log(
      `  ${word}  kube-harden adds ${ratio.toFixed(2)} × what ${other} adds to the p50 (at most ${most})`,
    );
  }
}

const binaries = findBinaries();
const folder = RunFolder.create();
cleanUpWhenInterrupted(() => folder.finish({ failed: true }));
const controlPlane = await ControlPlane.start({ binaries, folder });
const world = await World.create(controlPlane);
setWorld(world);
let outcome: 'done' | 'failed' = 'failed';
try {
  await world.install();
  // One process against one process, called directly like the floor, and logging as it is installed.
  const replica = await world.startReplica({ args: ['--log-decisions', 'denied'] });
  await pointWebhooks(controlPlane, replica.admissionPort);
  world.endpoints.pause();
  for (const other of world.replicas.filter((candidate) => candidate !== replica)) await other.kill();
  await run(controlPlane);
  const calls = await replica.metric('kube_harden_decisions_total');
  console.log(`\nkube-harden decided ${calls} times`);
  outcome = 'done';
} finally {
  await world.close();
  await controlPlane.stop({ failed: outcome === 'failed' });
}
process.exit(0);
