import { expect } from 'chai';
import { RULE_IDS, type RuleId } from '../../../src/hardening/rule.js';
import { makeNamespace, world } from '../support/world.js';
import { applyNeedsPolicy, hardening } from './policies.js';
import { chosenPrograms } from './programChoice.js';
import { expectServed, runProgram } from './programRun.js';

/** The one rule that has to let each of them be. */
const SKIPPED: Readonly<Record<string, string>> = {
  sudo: 'allowPrivilegeEscalation',
  sandbox: 'seccompProfile',
};

/** What the other rules set, by where it is in the effective securityContext. */
const SET = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
};

describe('an image that needs what a rule takes away, with a profile that says so', function () {
  this.timeout(120_000);
  before(applyNeedsPolicy);

  for (const program of chosenPrograms().filter(({ id }) => id in SKIPPED)) {
    const rule = SKIPPED[program.id] ?? '';

    it(`${program.id} works, with ${rule} skipped and every other rule in force`, async () => {
      const namespace = await makeNamespace(hardening(program));
      const earlier = await skips();
      const outcome = await runProgram(program, { namespace });
      expectServed(outcome);
      expect(await skippedSince(earlier)).to.deep.equal([rule]);
      const { podSpec } = outcome;
      const context = { ...podSpec.securityContext, ...podSpec.containers[0].securityContext };
      for (const [field, value] of Object.entries(SET)) {
        expect(context[field], field).to.deep.equal(field === rule ? undefined : value);
      }
      expect(context.capabilities.drop).to.deep.equal(['ALL']);
    });
  }
});

/** How often each rule was skipped because an image needs it, since the replicas started. */
async function skips(): Promise<Map<RuleId, number>> {
  const counts = new Map<RuleId, number>();
  for (const rule of RULE_IDS) {
    const labels = { rule, code: 'ImageNeeds' };
    const each = world().replicas.map((replica) => replica.metric('kube_harden_skips_total', labels));
    counts.set(
      rule,
      (await Promise.all(each)).reduce((sum, count) => sum + count, 0),
    );
  }
  return counts;
}

async function skippedSince(earlier: Map<RuleId, number>): Promise<RuleId[]> {
  const now = await skips();
  return RULE_IDS.filter((rule) => now.get(rule) !== earlier.get(rule));
}
