import { expect } from 'chai';
import { applyPolicy } from '../support/hardeningPolicies.js';
import { eachOf } from '../support/podRequests.js';
import { makeNamespace } from '../support/world.js';
import { chosenPrograms } from './programChoice.js';
import { expectServed, runProgram, type Outcome } from './programRun.js';
import { theNode } from './theNode.js';

const POLICY = 'e2e-safe';
/** Programs at once: as many as there are processors in CI. */
const WIDTH = 2;

/** What these two say of what they cannot do without: that is how they are known for what they are. */
const NEEDS_MORE: Readonly<Record<string, RegExp>> = {
  sudo: /no new privileges/,
  sandbox: /[Nn]o permissions to create (a )?new namespace/,
};

describe('an image that no profile knows, under unknownImages: Safe', function () {
  this.timeout(600_000);
  const outcomes = new Map<string, Outcome>();

  before(async () => {
    await applyPolicy(POLICY, { unknownImages: 'Safe' });
    const namespace = await makeNamespace({
      'kube-harden.io/mode': 'enforce',
      'kube-harden.io/policy': POLICY,
    });
    await eachOf(chosenPrograms(), WIDTH, async (program) => {
      const image = `registry.example/unknown/${program.id.toLowerCase()}:1`;
      await theNode().nameImage(program.image.name, image);
      const spec = program.pod(image);
      const mayFail = program.id in NEEDS_MORE;
      outcomes.set(program.id, await runProgram(program, { namespace, spec, mayFail }));
    });
  });

  for (const { id } of chosenPrograms()) {
    const complaint = NEEDS_MORE[id];
    if (complaint === undefined) {
      it(`${id} serves, writes and reads, also after it was killed`, () => {
        expectServed(outcomes.get(id));
      });
    } else {
      it(`${id} fails, for want of what it needs`, () => {
        expect(outcomes.get(id)?.failure?.message).to.match(complaint);
      });
    }

    it(`${id} gets the two rules that are safe everywhere, and keeps its user and its root file system`, () => {
      const podSpec = outcomes.get(id)?.podSpec;
      const context = { ...podSpec.securityContext, ...podSpec.containers[0].securityContext };
      expect(context.allowPrivilegeEscalation).to.equal(false);
      expect(context.seccompProfile).to.deep.equal({ type: 'RuntimeDefault' });
      expect(context).not.to.have.any.keys(
        'runAsUser',
        'runAsNonRoot',
        'readOnlyRootFilesystem',
        'capabilities',
      );
    });
  }
});
