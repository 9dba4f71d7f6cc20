import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeHarden } from '../e2e/support/kubeHarden.js';
import { kubeconfigOf } from '../cluster/support/apiServer.js';
import { emptyApiServer, reviewsAll } from '../system/faults/support/clusterProcess.js';
import { authority } from '../system/support/certificates.js';
import { openFiles, residentMiB, runFolder } from '../system/faults/support/serveProcess.js';
import { pause } from '../system/support/clients.js';
import { graph } from './graph.js';
import { lineThrough, type Line } from './line.js';
import { Mix } from './mix.js';
import { ChangingWorld } from './world.js';

export interface SoakOptions {
  /** At least so long, and until so many requests are answered. */
  readonly seconds: number;
  readonly requests: number;
  /** Of these, what is not counted: code is compiled, caches fill. */
  readonly warmUpSeconds: number;
  readonly perSecond: number;
  readonly sampleEveryMs: number;
  readonly changeEveryMs: number;
}

interface Sample {
  readonly second: number;
  readonly residentMiB: number;
  readonly openFiles: number;
  /** The 99th percentile since the sample before. */
  readonly loopDelayMs: number;
}

export interface SoakReport {
  readonly answered: number;
  readonly wrong: readonly string[];
  readonly changes: number;
  /** Pairs of certificate and key that were written, and how often the replica has read another one. */
  readonly certificates: { readonly written: number; readonly reloaded: number };
  /** Of the resident memory after warm-up, in MiB an hour. */
  readonly memory: Line;
  /** Means of the first and the last third after warm-up. */
  readonly residentMiB: readonly [number, number];
  readonly openFiles: readonly [number, number];
  readonly loopDelayMs: readonly [number, number];
  readonly uncaughtErrors: number;
  /** Where the graph and the samples lie. */
  readonly picture: string;
}

const CONNECTIONS = 16;

/** A machine that takes so many times as long does not get to all the requests. */
const LONGEST = 4;

/**
 * MiB for what lives long. In a pod its memory limit makes the collector work; with a whole machine's memory it lets
 * garbage lie for minutes, and no slope could be told from it. What leaks ends the process.
 */
const OLD_SPACE_MIB = 128;

/** Mixed requests at a real process in a cluster that changes, with how its memory, files and event loop bear it. */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const api = await emptyApiServer();
  api.intercept = reviewsAll;
  const replica = await KubeHarden.start({
    name: 'soak',
    folder: runFolder,
    kubeconfig: runFolder.write('soak.kubeconfig', JSON.stringify(kubeconfigOf(api.port))),
    certificates: authority,
    args: ['--log-decisions', 'denied', '--shutdown-delay-duration', '0s'],
    env: { NODE_OPTIONS: `--max-old-space-size=${OLD_SPACE_MIB}` },
  });
  const certificate = {
    certFile: runFolder.file('soak.crt'),
    keyFile: runFolder.file('soak.key'),
  };
  const world = new ChangingWorld(api, certificate);
  // Until the watches have told of all of it.
  await pause(500);
  const { perSecond } = options;
  const mix = new Mix(replica, { connections: CONNECTIONS, perSecond, namespace: () => world.namespace() });
  world.start(options.changeEveryMs);
  const samples = await sampled(replica, mix, options);
  await world.stop();
  await mix.stop();
  // Written a moment ago.
  await pause(500);
  const reloaded = await replica.metric('kube_harden_tls_reloads_total');
  const uncaughtErrors = await replica.metric('kube_harden_uncaught_errors_total');
  const picture = drawn(samples, options);
  await replica.stop();
  api.close();

  const counted = samples.filter(({ second }) => second >= options.warmUpSeconds);
  const thirds = (of: (sample: Sample) => number): [number, number] => {
    const third = Math.ceil(counted.length / 3);
    return [mean(counted.slice(0, third).map(of)), mean(counted.slice(-third).map(of))];
  };
  return {
    answered: mix.answered,
    wrong: mix.wrong,
    changes: world.changes,
    certificates: { written: world.certificates, reloaded },
    memory: lineThrough(counted.map(({ second, residentMiB: mib }) => [second / 3600, mib] as const)),
    residentMiB: thirds((sample) => sample.residentMiB),
    openFiles: thirds((sample) => sample.openFiles),
    loopDelayMs: thirds((sample) => sample.loopDelayMs),
    uncaughtErrors,
    picture,
  };
}

/** What a report says, in lines for people. */
export function linesOf(report: SoakReport): string[] {
  const { answered, wrong, changes, certificates, memory, picture } = report;
  const fromTo = ([from, to]: readonly [number, number]): string => `${from.toFixed(1)} to ${to.toFixed(1)}`;
  return [
    `${answered} requests answered as they should be, ${wrong.length} otherwise; ${changes} changes of namespaces and policies; ${certificates.written} certificates written, read ${certificates.reloaded} times`,
    `resident ${fromTo(report.residentMiB)} MiB; slope ${memory.slope.toFixed(1)} MiB an hour, error ${memory.error.toFixed(1)}`,
    `open files ${fromTo(report.openFiles)}; event-loop delay (p99) ${fromTo(report.loopDelayMs)} ms`,
    `picture: ${picture}`,
  ];
}

async function sampled(replica: KubeHarden, mix: Mix, options: SoakOptions): Promise<Sample[]> {
  const { seconds, requests, sampleEveryMs } = options;
  const samples: Sample[] = [];
  const began = performance.now();
  const elapsed = (): number => (performance.now() - began) / 1000;
  // Where it has died the rest of the run would tell nothing.
  const isLongEnough = (): boolean =>
    elapsed() >= seconds && (mix.answered >= requests || elapsed() >= LONGEST * seconds);
  while (!isLongEnough() && replica.running) {
    await pause(sampleEveryMs);
    samples.push({
      second: elapsed(),
      residentMiB: residentMiB(replica).now,
      openFiles: openFiles(replica),
      loopDelayMs: (await replica.metric('nodejs_eventloop_lag_p99_seconds')) * 1000,
    });
  }
  return samples;
}

/** Outside the repository, and left there. */
function drawn(samples: readonly Sample[], { warmUpSeconds }: SoakOptions): string {
  const folder = join(tmpdir(), 'kube-harden-soak');
  mkdirSync(folder, { recursive: true });
  const name = join(folder, `soak-${new Date().toISOString().replaceAll(/[-:]|\.\d+Z$/g, '')}`);
  const of = (value: (sample: Sample) => number): number[] => samples.map(value);
  const picture = graph(
    of(({ second }) => second),
    warmUpSeconds,
    [
      { title: 'resident memory', unit: 'MiB', values: of((sample) => sample.residentMiB) },
      { title: 'open file descriptors', unit: '', values: of((sample) => sample.openFiles) },
      { title: 'event-loop delay, 99th percentile', unit: 'ms', values: of((sample) => sample.loopDelayMs) },
    ],
  );
  writeFileSync(`${name}.json`, JSON.stringify(samples));
  writeFileSync(`${name}.svg`, picture);
  return `${name}.svg`;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
