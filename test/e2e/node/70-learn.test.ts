import { expect } from 'chai';
import { eachOf } from '../support/podRequests.js';
import { learnProgram, learntImage, type Learned } from './learn/learnedProgram.js';
import { chosenPrograms } from './programChoice.js';
import { expectServed } from './programRun.js';

/** Programs at once: as many as there are processors in CI. */
const WIDTH = 2;

/** What the rules set, by where it is in the effective securityContext. */
const HARDENED = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
};

/** The one of these that each of two programs cannot do with. */
const SKIPPED: Readonly<Record<string, keyof typeof HARDENED>> = {
  sudo: 'allowPrivilegeEscalation',
  sandbox: 'seccompProfile',
};

describe('learn, of a program that runs as it is', function () {
  this.timeout(900_000);
  /** An error of one program's is told by its own tests: the others go on. */
  const learned = new Map<string, Promise<Learned>>();

  before(async () => {
    await eachOf(chosenPrograms(), WIDTH, async (program) => {
      const learning = learnProgram(program);
      learned.set(program.id, learning);
      await Promise.allSettled([learning]);
    });
  });

  for (const program of chosenPrograms()) {
    describe(program.id, () => {
      let result: Learned;

      before(async () => {
        const found = await learned.get(program.id);
        if (found === undefined) throw new Error('it did not run');
        result = found;
      });

      it('writes a profile of its image', () => {
        const { command, profile } = result;
        expect(command.code, `${command.stdout}${command.stderr}`).to.equal(0);
        expect(profile?.images).to.deep.equal([learntImage(program)]);
      });

      it('leaves no file and no process in its container', () => {
        const { left, stayed } = result;
        expect(left).to.deep.equal([]);
        expect(stayed).to.deep.equal([]);
      });

      it('serves, writes, reads and restarts with that profile under default', () => {
        expectServed(result.hardened);
      });

      it('is hardened as far as its program bears it', () => {
        const podSpec = result.hardened?.podSpec;
        const context = { ...podSpec.securityContext, ...podSpec.containers[0].securityContext };
        for (const [field, value] of Object.entries(HARDENED)) {
          expect(context[field], field).to.deep.equal(field === SKIPPED[program.id] ? undefined : value);
        }
        expect(context.capabilities.drop).to.deep.equal(['ALL']);
      });
    });
  }
});
