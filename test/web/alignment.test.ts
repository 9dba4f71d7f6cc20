import { expect } from 'chai';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { BUILTIN_POLICIES } from '../../src/policy/builtin.generated.js';
import { StandalonePlans } from '../../src/policy/standalonePlans.js';
import { annotate } from '../../src/preview/annotated.js';
import { ManifestError } from '../../src/preview/manifestError.js';
import { readManifests } from '../../src/preview/manifests.js';
import { previewFile } from '../../src/preview/previewFile.js';
import { align } from '../../src/web/worker/alignment.js';
import { corpusSource } from '../support/corpus.js';

interface Case {
  readonly name: string;
  readonly input: string;
  readonly hardened: string;
  /** `line:original` of each changed line. */
  readonly changed: string;
  readonly inputGaps: readonly number[];
  readonly hardenedGaps: readonly number[];
  readonly replaced: readonly number[];
}

const CASES: readonly Case[] = [
  {
    name: 'added lines leave a gap after the line that they come after',
    input: 'a b c',
    hardened: 'a x y b c',
    changed: '2:1 3:1',
    inputGaps: [1, 2],
    hardenedGaps: [],
    replaced: [],
  },
  {
    name: 'a line before the first one leaves a gap before it',
    input: 'a',
    hardened: 'x a',
    changed: '1:0',
    inputGaps: [0, 1],
    hardenedGaps: [],
    replaced: [],
  },
  {
    name: 'a replaced line stands beside the one that replaces it',
    input: 'a b c',
    hardened: 'a x c',
    changed: '2:2',
    inputGaps: [],
    hardenedGaps: [],
    replaced: [2],
  },
  {
    name: 'a line that becomes three leaves a gap of two',
    input: 'a b c',
    hardened: 'a x y z c',
    changed: '2:2 3:2 4:2',
    inputGaps: [2, 2],
    hardenedGaps: [],
    replaced: [2],
  },
  {
    name: 'a line that is taken out leaves a gap in the hardened text',
    input: 'a b c',
    hardened: 'a c',
    changed: '',
    inputGaps: [],
    hardenedGaps: [1, 1],
    replaced: [2],
  },
  {
    name: 'a last line that is taken out does too',
    input: 'a b',
    hardened: 'a',
    changed: '',
    inputGaps: [],
    hardenedGaps: [1, 1],
    replaced: [2],
  },
  {
    name: 'two replaced lines that become one',
    input: 'a b c d',
    hardened: 'a x d',
    changed: '2:3',
    inputGaps: [],
    hardenedGaps: [2, 1],
    replaced: [2, 3],
  },
];

describe('align', () => {
  for (const { name, input, hardened, changed, ...expected } of CASES) {
    it(name, () => {
      const lines = changed
        .split(' ')
        .filter(Boolean)
        .map((pair) => {
          const [line = 0, original = 0] = pair.split(':').map(Number);
          return { line, original };
        });
      const { inputGaps, hardenedGaps, replaced } = align(input.split(' '), hardened.split(' '), lines);
      expect({
        inputGaps: [...inputGaps],
        hardenedGaps: [...hardenedGaps],
        replaced: [...replaced],
      }).to.deep.equal(expected);
    });
  }

  it('sets every file of the corpus beside its hardened text, line by line', async function () {
    this.timeout(60_000);
    const plans = new StandalonePlans({ policies: BUILTIN_POLICIES, clock: Date.now });
    const root = corpusSource();
    let files = 0;
    for (const file of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
      if (!/\.ya?ml$/.test(file)) continue;
      const text = readFileSync(join(root, file), 'utf8').replaceAll('\r\n', '\n');
      const answer = await annotated(text, plans);
      if (answer === undefined) continue;
      const input = text.split('\n');
      const hardened = answer.text.split('\n');
      const aligned = align(input, hardened, distinct(answer.lines));
      const left = rows(input, aligned.inputGaps);
      const right = rows(hardened, aligned.hardenedGaps);
      expect(left.length, file).to.equal(right.length);
      const replaced = new Set(aligned.replaced);
      const changed = new Set(answer.lines.map(({ line }) => line));
      left.forEach((row, at) => {
        const beside = right[at];
        const isSame = row !== undefined && !replaced.has(row.number);
        if (isSame) expect(row.text, `${file}, row ${at}`).to.equal(beside?.text);
        expect(isSame, `${file}, row ${at}`).to.equal(beside !== undefined && !changed.has(beside.number));
      });
      files++;
    }
    console.log(`      ${files} files of ${root}`);
    expect(files).to.be.above(50);
  });
});

async function annotated(text: string, plans: StandalonePlans) {
  try {
    return annotate(await previewFile(readManifests(Buffer.from(text)), {}, plans));
  } catch (error) {
    if (error instanceof ManifestError) return undefined;
    throw error;
  }
}

function distinct<T extends { readonly line: number }>(lines: readonly T[]): T[] {
  return lines.filter(({ line }, index) => line !== lines[index - 1]?.line);
}

/** A text with its gaps, a row each; undefined is a row of a gap. */
function rows(lines: readonly string[], gaps: Int32Array): ({ text: string; number: number } | undefined)[] {
  const after = new Map<number, number>();
  for (let at = 0; at + 1 < gaps.length; at += 2) after.set(gaps[at] ?? 0, gaps[at + 1] ?? 0);
  const blank = (number: number): undefined[] =>
    Array.from({ length: after.get(number) ?? 0 }, () => undefined);
  return [...blank(0), ...lines.flatMap((text, index) => [{ text, number: index + 1 }, ...blank(index + 1)])];
}
