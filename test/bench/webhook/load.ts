import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What a client measured in one round. */
export interface Measured {
  readonly requests: number;
  readonly seconds: number;
  /** Answers other than 2xx, and connections that failed. */
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface Load {
  readonly url: string;
  readonly path: string;
  /** With 0.json to 63.json in it. */
  readonly reviews: string;
  readonly connections: number;
  readonly seconds: number;
  /** What becomes a number in each review, another one in each request; at most 9 characters each. */
  readonly marks: readonly string[];
}

/** The core of the client; the servers have the other. */
const CORE = '1';
const SCRIPT = fileURLToPath(new URL('reviews.lua', import.meta.url));
const AUTOCANNON = fileURLToPath(new URL('autocannon.js', import.meta.url));

/** wrk, which Debian has and which costs least; else autocannon, which is installed with us. */
export const CLIENT = spawnSync('wrk', ['--version']).error === undefined ? 'wrk' : 'autocannon';

/** Sends reviews as fast as they are answered, over connections that are kept. */
export async function load({ url, path, reviews, connections, seconds, marks }: Load): Promise<Measured> {
  const own =
    CLIENT === 'wrk'
      ? [
          'wrk',
          '-t1',
          `-c${connections}`,
          `-d${seconds}s`,
          '--latency',
          '-s',
          SCRIPT,
          url,
          '--',
          reviews,
          path,
          ...marks,
        ]
      : [process.execPath, AUTOCANNON, url + path, reviews, String(connections), String(seconds), ...marks];
  const text = await outputOf('taskset', ['-c', CORE, ...own]);
  const result = /^RESULT (.*)$/m.exec(text)?.[1];
  if (result === undefined) throw new Error(`${CLIENT} gave no result:\n${text}`);
  return JSON.parse(result) as Measured;
}

function outputOf(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.once('error', reject);
    child.once('close', () => resolve(text));
  });
}
