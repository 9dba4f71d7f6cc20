// The flood: a process of its own, and behind all others, since whoever floods has processors of their own.
// floodPreview.ts JSON-of-FloodPlan: asks for large previews over and over, and comes again at once where it is refused. Prints
// the status of each first of its kind, a line each; ends when its input does, with how many answers there were by status, as
// JSON, in the last line.
// Behind all others, and on a core that others use, it takes minutes to open as many connections as are refused: where
// nothing is measured before that, it steps back only then.
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { setPriority } from 'node:os';
import type { FloodPlan } from './flood.js';

const NICENESS = 19;

const plan = JSON.parse(process.argv[2] ?? '') as FloodPlan;
if (plan.behind === 'at once') setPriority(NICENESS);
const body = readFileSync(plan.bodyFile);
const agent = new Agent({ keepAlive: true, ca: readFileSync(plan.caFile) });
const answers: Record<string, number> = {};
let ends = false;

function ask(): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: plan.port,
        path: '/preview',
        method: 'POST',
        headers: { 'content-type': 'application/yaml', accept: 'application/yaml' },
        agent,
      },
      (res) => {
        res.resume();
        res.on('error', reject).on('end', () => resolve(res.statusCode ?? 0));
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

async function flood(): Promise<void> {
  while (!ends) {
    try {
      const status = await ask();
      if (answers[status] === undefined) {
        if (status === 503) setPriority(NICENESS);
        process.stdout.write(`${status}\n`);
      }
      answers[status] = (answers[status] ?? 0) + 1;
      // As a client that heeds Retry-After a little.
      if (status === 503) await new Promise((resolve) => setTimeout(resolve, 100));
    } catch {
      // Cut at the end, or refused before its body was sent.
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

process.stdin.on('end', () => {
  ends = true;
  agent.destroy();
});
process.stdin.resume();
await Promise.all(Array.from({ length: plan.flooders }, flood));
process.stdout.write(`${JSON.stringify(answers)}\n`, () => process.exit(0));
