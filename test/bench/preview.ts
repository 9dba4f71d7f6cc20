/**
 * What an annotated preview costs, beside the floor that nobody who reads YAML with its library can go below:
 * parseAllDocuments of the same text, once. Ours reads the text, and the hardened one again before anybody sees it.
 * Prints figures and ratios, and which goals hold: a figure of a busy machine is to be read, not to fail a build.
 *
 *   npm run bench:preview
 */
import { parseAllDocuments } from 'yaml';
import { BUILTIN_POLICIES } from '../../src/policy/builtin.generated.js';
import { StandalonePlans } from '../../src/policy/standalonePlans.js';
import { annotate } from '../../src/preview/annotated.js';
import { readManifests } from '../../src/preview/manifests.js';
import { previewFile } from '../../src/preview/previewFile.js';
import { manyManifests, type Shape } from '../preview/support/manyManifests.js';

const SHAPES: readonly Shape[] = ['documents', 'list', 'large'];
/** The fastest round counts: what a busy machine adds is not the code's. */
const SIZES = [
  { bytes: 200_000, rounds: 9, goalMs: 300 },
  { bytes: 2_000_000, rounds: 3, goalMs: 4000 },
] as const;
/** How much dearer a byte may be in ten times as many. */
const GROWTH_MAX = 1.5;

const plans = new StandalonePlans({ policies: BUILTIN_POLICIES, clock: Date.now });
let missed = 0;

function goal(text: string, holds: boolean): void {
  if (!holds) missed++;
  process.stdout.write(`  ${holds ? 'holds ' : 'MISSED'}  ${text}\n`);
}

async function fastest(rounds: number, run: () => unknown): Promise<number> {
  let best = Infinity;
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    await run();
    best = Math.min(best, performance.now() - began);
  }
  return best;
}

for (const shape of SHAPES) {
  const perByte: number[] = [];
  for (const { bytes, rounds, goalMs } of SIZES) {
    const text = manyManifests(shape, bytes);
    const body = Buffer.from(text);
    const floor = await fastest(rounds, () => parseAllDocuments(text));
    const ours = await fastest(rounds, async () =>
      JSON.stringify(annotate(await previewFile(readManifests(body), {}, plans))),
    );
    perByte.push(ours / text.length);
    process.stdout.write(
      `${shape}, ${(text.length / 1000).toFixed(0)} kB: annotated ${ours.toFixed(0)} ms, ` +
        `floor ${floor.toFixed(0)} ms, ratio ${(ours / floor).toFixed(2)}\n`,
    );
    goal(`at most ${goalMs} ms`, ours <= goalMs);
  }
  const growth = (perByte[1] ?? NaN) / (perByte[0] ?? NaN);
  goal(
    `a byte of the larger costs ${growth.toFixed(2)} × one of the smaller (at most ${GROWTH_MAX})`,
    growth <= GROWTH_MAX,
  );
}
process.stdout.write(
  missed === 0 ? 'bench:preview: every goal holds\n' : `bench:preview: ${missed} goals missed\n`,
);
