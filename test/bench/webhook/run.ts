/**
 * What an admission review costs: the least that Node.js can do (the floor), express, Pepr, and kube-harden, in
 * alternating rounds of one run, over TLS with connections that are kept. Servers have one core, the client the other, and
 * the servers whose turn it is not are halted.
 *
 *   npm run bench                  BENCH_ROUNDS=5 for fewer rounds, BENCH_SECONDS=10 for longer ones, BENCH_OUT=FILE for the
 *                                  figures as JSON, BENCH_VARIANTS=floor,kube-harden for some
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import fastJsonPatch, { type Operation } from 'fast-json-patch';
import { isRecord } from '../../../src/hardening/locate.js';
import { CertificateAuthority, validFor } from '../../../src/server/certificateAuthority.js';
import { podReview, POD_MARKS, REPLICA_SET_MARK } from '../review.js';
import { CLIENT, load, type Measured } from './load.js';
import { namespaceMemory } from './namespaceMemory.js';
import { VARIANTS, post, startServer, usage, type Files, type Server, type Variant } from './servers.js';

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 9);
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 4);
const CONNECTIONS = 30;
const REVIEWS = 64;
const STARTS = 7;
/** JavaScript is compiled in steps. */
const WARM_UP_SECONDS = 4;
const OUT = process.env['BENCH_OUT'] ?? '.cache/bench/webhook.json';
const WANTED = (process.env['BENCH_VARIANTS'] ?? VARIANTS.join(',')).split(',');

interface Round extends Measured {
  readonly cpuMicroseconds: number;
}

interface Figures {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the whole process, for one request. */
  readonly cpuMicroseconds: number;
  readonly rssBeforeMb: number;
  readonly rssAfterMb: number;
  readonly readyMs: number;
  readonly failed: number;
}

const COLUMNS: readonly [head: string, figure: keyof Figures, digits: number][] = [
  ['per second', 'perSecond', 0],
  ['p50 ms', 'p50Ms', 2],
  ['p99 ms', 'p99Ms', 2],
  ['CPU µs', 'cpuMicroseconds', 1],
  ['MB before', 'rssBeforeMb', 0],
  ['MB after', 'rssAfterMb', 0],
  ['ready ms', 'readyMs', 0],
];

const GOALS: readonly [
  text: string,
  holds: (ours: Figures, of: (variant: Variant) => Figures | undefined) => boolean | undefined,
][] = [
  [
    'requests per second at least 0.85 of the floor',
    (ours, of) => ratio(ours, of('floor'), 'perSecond', (r) => r >= 0.85),
  ],
  [
    'requests per second at least 10 times Pepr',
    (ours, of) => ratio(ours, of('Pepr'), 'perSecond', (r) => r >= 10),
  ],
  ['p99 at most 1.3 of the floor', (ours, of) => ratio(ours, of('floor'), 'p99Ms', (r) => r <= 1.3)],
  [
    'memory under load at most 1.35 of the floor',
    (ours, of) => ratio(ours, of('floor'), 'rssAfterMb', (r) => r <= 1.35),
  ],
  ['ready within 300 ms', (ours) => ours.readyMs <= 300],
];

/** Of each goal, whether it holds; undefined where what it compares with was not measured. */
const judged: Record<string, boolean | undefined> = {};

function ratio(
  ours: Figures,
  theirs: Figures | undefined,
  figure: keyof Figures,
  holds: (ratio: number) => boolean,
): boolean | undefined {
  return theirs === undefined ? undefined : holds(ours[figure] / theirs[figure]);
}

const folder = mkdtempSync(join(tmpdir(), 'kube-harden-bench-'));
const running: Server[] = [];
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    void Promise.all(running.map((server) => server.stop())).then(() => process.exit(1));
  });
try {
  await main();
} finally {
  for (const server of running) await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function main(): Promise<void> {
  const reviews = join(folder, 'reviews');
  mkdirSync(reviews);
  for (let index = 0; index < REVIEWS; index += 1)
    writeFileSync(join(reviews, `${index}.json`), podReview(2, index));
  const files = await makeFiles();
  await writePatch(files);
  const variants = VARIANTS.filter((variant) => WANTED.includes(variant));
  say(
    `${cpus()[0]?.model ?? 'unknown CPU'}, Node.js ${process.version}, ${CLIENT}, ${CONNECTIONS} connections,`,
  );
  say(`reviews of ${Buffer.byteLength(files.review)} bytes, ${ROUNDS} rounds of ${SECONDS} s each\n`);

  const ready = new Map<Variant, number[]>(variants.map((variant) => [variant, []]));
  const servers: Server[] = [];
  for (const variant of variants) {
    try {
      servers.push(await measuredStart(variant, files, ready.get(variant) ?? []));
    } catch (error) {
      if (variant !== 'Pepr') throw error;
      say(
        `Pepr could not be installed or started, and is left out: ${error instanceof Error ? error.message : String(error)}\n`,
      );
    }
  }
  await checkSame(servers, files);
  const before = new Map(servers.map(({ variant, pid }) => [variant, usage(pid).rssBytes]));
  const loadOf = (server: Server, seconds: number): Promise<Measured> =>
    load({
      url: `https://127.0.0.1:${server.port}`,
      path: server.path,
      reviews,
      connections: CONNECTIONS,
      seconds,
      marks: server.variant === 'kube-harden new' ? [...POD_MARKS, REPLICA_SET_MARK] : POD_MARKS,
    });
  for (const server of servers) {
    await loadOf(server, WARM_UP_SECONDS);
    server.halt();
  }
  const rounds = new Map<Variant, Round[]>(servers.map(({ variant }) => [variant, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const server of turns(servers, round)) {
      server.resume();
      const { cpuNs } = usage(server.pid);
      const measured = await loadOf(server, SECONDS);
      const cpuMicroseconds = (usage(server.pid).cpuNs - cpuNs) / 1000 / measured.requests;
      server.halt();
      rounds.get(server.variant)?.push({ ...measured, cpuMicroseconds });
    }
  }
  const figures = new Map<Variant, Figures>(
    servers.map(({ variant, pid }) => {
      const all = rounds.get(variant) ?? [];
      return [
        variant,
        {
          perSecond: median(all.map(({ requests, seconds }) => requests / seconds)),
          p50Ms: median(all.map(({ p50Ms }) => p50Ms)),
          p99Ms: median(all.map(({ p99Ms }) => p99Ms)),
          cpuMicroseconds: median(all.map((one) => one.cpuMicroseconds)),
          rssBeforeMb: (before.get(variant) ?? 0) / 2 ** 20,
          rssAfterMb: usage(pid).rssBytes / 2 ** 20,
          readyMs: median(ready.get(variant) ?? []),
          failed: all.reduce((sum, { failed }) => sum + failed, 0),
        },
      ];
    }),
  );
  print(figures);
  const memory = WANTED.includes('kube-harden') ? await namespaceMemory(files) : undefined;
  if (memory !== undefined)
    goal(
      `memory with 10,000 namespaces at most 15 MB above that with 10: ${memory.few.toFixed(1)} MB and ${memory.many.toFixed(1)} MB`,
      memory.many - memory.few <= 15,
    );
  mkdirSync(join(OUT, '..'), { recursive: true });
  const result = {
    machine: cpus()[0]?.model,
    node: process.version,
    client: CLIENT,
    memory,
    variants: Object.fromEntries(figures),
    timesTheFloor: timesTheFloor(figures),
    rounds: Object.fromEntries(rounds),
    goals: judged,
  };
  writeFileSync(OUT, `${JSON.stringify(result, null, 2)}\n`);
  say(`\nwritten to ${OUT}`);
}

/**
 * The order of a round: each server is first, second and so on in some, and after each of its two neighbours in others, so
 * that neither the start of a round nor what the one before has left in the processor's caches is always the same one's.
 */
function turns<T>(servers: readonly T[], round: number): T[] {
  const first = Math.floor(round / 2) % servers.length;
  const turned = [...servers.slice(first), ...servers.slice(0, first)];
  return round % 2 === 0 ? turned : turned.reverse();
}

async function makeFiles(): Promise<Files> {
  const authority = await CertificateAuthority.create('bench', validFor(1));
  const pair = await authority.issue({
    commonName: 'bench',
    hosts: ['localhost', '127.0.0.1'],
    usage: 'server',
    ...validFor(1),
  });
  const files = {
    folder,
    certFile: join(folder, 'tls.crt'),
    keyFile: join(folder, 'tls.key'),
    patchFile: join(folder, 'patch.json'),
    review: podReview(2),
  };
  writeFileSync(files.certFile, pair.cert);
  writeFileSync(files.keyFile, pair.key);
  return files;
}

/** The floor and express answer with the patch that kube-harden makes. */
async function writePatch(files: Files): Promise<void> {
  const server = await startServer('kube-harden', files);
  const { text } = await post(server.port, server.path, files.review);
  await server.stop();
  const { response } = JSON.parse(text) as { response: { patch: string } };
  writeFileSync(files.patchFile, Buffer.from(response.patch, 'base64'));
}

/** All servers have to do the same to a pod, or nothing is compared; names of volumes and the annotation are their own. */
async function checkSame(servers: readonly Server[], files: Files): Promise<void> {
  const specs = new Map<Variant, unknown>();
  for (const { variant, port, path } of servers) {
    const { text } = await post(port, path, files.review);
    const { response } = JSON.parse(text) as { response: { patch?: string } };
    if (response.patch === undefined) throw new Error(`${variant} answers without a patch: ${text}`);
    const review = JSON.parse(files.review) as { request: { object: { spec: object } } };
    const patch = JSON.parse(Buffer.from(response.patch, 'base64').toString()) as Operation[];
    const { spec } = fastJsonPatch.applyPatch(review.request.object, patch).newDocument;
    const names = JSON.stringify(spec, (_key, value: unknown) =>
      Array.isArray(value) ? value : isRecord(value) ? sorted(value) : value,
    ).replaceAll(/"(?:kube-harden-)?tmp-[\w-]+"/g, '"made-up"');
    specs.set(variant, JSON.parse(names));
  }
  const [[first, expected] = []] = specs;
  for (const [variant, spec] of specs)
    if (!isDeepStrictEqual(spec, expected))
      throw new Error(
        `${variant} does not do what ${String(first)} does:\n${JSON.stringify(spec)}\n${JSON.stringify(expected)}`,
      );
}

function sorted(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Starts a server some times, and leaves the last one running. */
async function measuredStart(variant: Variant, files: Files, ready: number[]): Promise<Server> {
  // The file cache is warm from the first start on.
  await (await startServer(variant, files)).stop();
  for (;;) {
    const server = await startServer(variant, files);
    ready.push(server.readyMs);
    if (ready.length === STARTS) {
      running.push(server);
      return server;
    }
    await server.stop();
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function print(figures: ReadonlyMap<Variant, Figures>): void {
  const floor = figures.get('floor');
  say(['variant'.padEnd(16), ...COLUMNS.map(([head]) => head.padStart(16))].join(''));
  for (const [variant, own] of figures) {
    const cells = COLUMNS.map(([, figure, digits]) => {
      const times = floor === undefined ? '' : ` (${(own[figure] / floor[figure]).toFixed(2)})`;
      return (own[figure].toFixed(digits) + times).padStart(16);
    });
    say([variant.padEnd(16), ...cells].join('') + (own.failed > 0 ? `  ${own.failed} failed` : ''));
  }
  say('(in brackets: times the floor)\n');
  const ours = figures.get('kube-harden');
  if (ours === undefined) return;
  for (const [text, holds] of GOALS)
    goal(
      text,
      holds(ours, (variant) => figures.get(variant)),
    );
}

/** Of each variant, each figure as a ratio to the floor's. */
function timesTheFloor(figures: ReadonlyMap<Variant, Figures>): Record<string, Record<string, number>> {
  const floor = figures.get('floor');
  if (floor === undefined) return {};
  return Object.fromEntries(
    [...figures].map(([variant, own]) => [
      variant,
      Object.fromEntries(COLUMNS.map(([, figure]) => [figure, own[figure] / floor[figure]])),
    ]),
  );
}

function goal(text: string, holds: boolean | undefined): void {
  judged[text] = holds;
  say(`  ${holds === undefined ? 'unknown' : holds ? 'holds  ' : 'MISSED '}  ${text}`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
