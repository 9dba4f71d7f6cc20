import { expect } from 'chai';
import { eachOf } from '../support/podRequests.js';
import { makeNamespace } from '../support/world.js';
import { chosenPrograms } from './programChoice.js';
import { expectServed, runProgram, type Outcome } from './programRun.js';

/** Programs at once: as many as there are processors in CI. */
const WIDTH = 2;

/** One that needs a policy of its own needs what the level does not allow. */
const PROGRAMS = chosenPrograms().filter(({ profile }) => profile === undefined);

describe('a program under restricted, where PodSecurity admission enforces the level of that name', function () {
  this.timeout(600_000);
  const outcomes = new Map<string, Outcome>();
  let unhardened: Outcome;

  before(async () => {
    const level = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    const hardened = { 'kube-harden.io/mode': 'enforce', 'kube-harden.io/policy': 'restricted' };
    const [namespace, other] = await Promise.all([
      makeNamespace({ ...level, ...hardened }),
      makeNamespace(level),
    ]);
    const [first] = PROGRAMS;
    if (first !== undefined) unhardened = await runProgram(first, { namespace: other, mayFail: true });
    await eachOf(PROGRAMS, WIDTH, async (program) => {
      outcomes.set(program.id, await runProgram(program, { namespace }));
    });
  });

  it('is refused as it is', () => {
    expect(unhardened.failure).to.include({ step: 'admission' });
    expect(unhardened.failure?.message).to.include('violates PodSecurity "restricted:latest"');
  });

  for (const { id } of PROGRAMS) {
    it(`${id} is accepted hardened, serves, writes and reads, also after it was killed`, () => {
      expectServed(outcomes.get(id));
    });
  }
});
