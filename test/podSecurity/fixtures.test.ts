import { readFileSync, readdirSync } from 'node:fs';
import { expect } from 'chai';
import { parse } from 'yaml';
import type { Pod } from '../../src/hardening/podSpec.js';
import { evaluatePodSecurity, failedControls } from '../../src/podSecurity/evaluate.js';

/*
 * Upstream's own fixtures for policy v1.37. INDEX.md says which checks each failing one breaks; it is read here, so
 * that a fixture without a line there, or a line without a fixture, fails.
 */

const ROOT = new URL('../fixtures/psa/', import.meta.url);
const INDEX = readFileSync(new URL('INDEX.md', ROOT), 'utf8');

const FIXTURES = (['baseline', 'restricted'] as const).flatMap((level) =>
  (['pass', 'fail'] as const).flatMap((verdict) =>
    fixtureNames(`${level}/${verdict}`).map((name) => ({
      level,
      verdict,
      name,
      pod: readPod(level, verdict, name),
    })),
  ),
);

describe('Pod Security fixtures of upstream', () => {
  it('are all 148 here', () => {
    expect(FIXTURES).to.have.length(148);
  });

  for (const { level, verdict, name, pod } of FIXTURES) {
    it(`${level}/${verdict}/${name} fails exactly the controls that the index names`, () => {
      const failed = failedControls(pod, level).map(({ control }) => control);
      expect(failed.sort()).to.deep.equal(verdict === 'pass' ? [] : indexedChecks(level, name));
    });

    it(`${level}/${verdict}/${name} reaches the level that its folder says`, () => {
      const reached = evaluatePodSecurity(pod).level;
      const passes = reached === 'restricted' || reached === level;
      expect(passes, `reached ${reached}`).to.equal(verdict === 'pass');
    });
  }

  for (const level of ['baseline', 'restricted'] as const) {
    it(`are as many failing ones for ${level} as the index has lines`, () => {
      const names = FIXTURES.filter((fixture) => fixture.level === level && fixture.verdict === 'fail').map(
        ({ name }) => name,
      );
      expect([...indexSection(level).keys()].sort()).to.deep.equal(names.sort());
    });
  }

  const legacy = (['pass', 'fail'] as const).flatMap((verdict) =>
    fixtureNames(`legacy_v1.18/${verdict}`).map((name) => ({ verdict, name })),
  );

  it('have four that set seccomp by annotation', () => {
    expect(legacy).to.have.length(4);
  });

  for (const { verdict, name } of legacy) {
    it(`legacy_v1.18/${verdict}/${name} passes baseline: seccomp annotations mean nothing since v1.19`, () => {
      expect(failedControls(readPod('legacy_v1.18', verdict, name), 'baseline')).to.deep.equal([]);
    });

    it(`legacy_v1.18/${verdict}/${name} is judged by them at v1.18`, () => {
      const failed = failedControls(readPod('legacy_v1.18', verdict, name), 'baseline', 18);
      expect(failed.map(({ control }) => control)).to.deep.equal(
        verdict === 'pass' ? [] : ['seccompProfile_baseline'],
      );
    });
  }
});

function fixtureNames(folder: string): string[] {
  return readdirSync(new URL(folder, ROOT)).map((file) => file.replace(/\.yaml$/, ''));
}

function readPod(level: string, verdict: string, name: string): Pod {
  return parse(readFileSync(new URL(`${level}/${verdict}/${name}.yaml`, ROOT), 'utf8'), {
    version: '1.1',
  }) as Pod;
}

/** The table under `## <level> / fail`: fixture → the ids in its last column. */
function indexSection(level: string): Map<string, string[]> {
  const section = INDEX.split(/^## /m).find((part) => part.startsWith(`${level} / fail`)) ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| file '));
  return new Map(
    rows.map((row) => {
      const cells = row.split('|').map((cell) => cell.trim());
      return [cells[1] ?? '', (cells.at(-2) ?? '').split(', ').sort()];
    }),
  );
}

function indexedChecks(level: string, name: string): string[] | undefined {
  return indexSection(level).get(name);
}
