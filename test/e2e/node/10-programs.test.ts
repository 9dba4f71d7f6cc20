import { expect } from 'chai';
import { makeNamespace, world } from '../support/world.js';
import { archivePath, archiveVersion } from './images/imageArchive.js';
import { naivePod } from './naivePod.js';
import { applyNeedsPolicy, hardening } from './policies.js';
import { actualState, expectedState } from './processState.js';
import { chosenPrograms } from './programChoice.js';
import { expectServed, runProgram, type Outcome } from './programRun.js';
import type { Program } from './programs/program.js';
import { resultOf, writeResults, type ProgramResult } from './results.js';
import { theNode } from './theNode.js';

interface Outcomes {
  readonly asIs: Outcome;
  readonly naive: Outcome;
  readonly hardened: Outcome;
}

describe('a program', function () {
  this.timeout(300_000);
  const results: ProgramResult[] = [];

  before(applyNeedsPolicy);
  after(async () => {
    const { body } = await world().controlPlane.api('GET', `/api/v1/nodes/${theNode().name}`);
    const { kubeletVersion: kubelet, containerRuntimeVersion: containerRuntime } = body.status.nodeInfo;
    writeResults({ kubelet, containerRuntime, programs: results });
  });

  for (const program of chosenPrograms()) {
    describe(`${program.id} (${program.image.name})`, () => {
      let outcomes: Outcomes;

      before(async () => {
        outcomes = await runAll(program);
        results.push({
          id: program.id,
          image: program.image.name,
          version: archiveVersion(archivePath(program.image)),
          needs: program.profile?.needs ?? [],
          asIs: resultOf(outcomes.asIs),
          naive: resultOf(outcomes.naive),
          hardened: resultOf(outcomes.hardened),
        });
      });

      it('as it is: serves, writes and reads, also after it was killed', () => {
        expectServed(outcomes.asIs);
      });

      it('hardened: serves, writes and reads, also after it was killed', () => {
        expectServed(outcomes.hardened);
      });

      it('hardened: its processes are what its spec says', () => {
        const { podSpec, processes } = outcomes.hardened;
        expect(processes).not.to.have.length(0);
        for (const process of processes) {
          const expected = expectedState(podSpec, process);
          expect(actualState(process, expected, podSpec), process.command).to.deep.equal(expected);
        }
      });
    });
  }
});

async function runAll(program: Program): Promise<Outcomes> {
  const [plain, enforced, other] = await Promise.all([
    makeNamespace(),
    makeNamespace(hardening(program)),
    makeNamespace(),
  ]);
  const naively = naivePod(program.pod(program.image.name));
  const [asIs, hardened, naive] = await Promise.all([
    runProgram(program, { namespace: plain }),
    runProgram(program, { namespace: enforced }),
    runProgram(program, { namespace: other, spec: naively, mayFail: true }),
  ]);
  return { asIs, naive, hardened };
}
