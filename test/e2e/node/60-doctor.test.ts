import { expect } from 'chai';
import { RULE_IDS } from '../../../src/hardening/rule.js';
import { eachOf } from '../support/podRequests.js';
import type { Combination } from './doctor/combination.js';
import { combinations } from './doctor/combinations.js';
import { confusionMatrix } from './doctor/confusion.js';
import { runCombination } from './doctor/runCombination.js';
import type { Verdict } from './doctor/verdict.js';
import { chosenPrograms } from './programChoice.js';

/** Combinations at once: most of the time of each is waiting for the kubelet. */
const WIDTH = 3;

/** Of each program the one that is soonest broken; together with `rule-*` they have every rule. */
const OF_PROGRAMS = [
  'nginx-alone-root',
  'postgres-alone-capabilities',
  'redis-alone-memory',
  'rediscache-alone-user',
  'memcached-alone-memory',
  'haproxy-alone-memory',
  'httpd-without-ports',
  'mariadb-alone-capabilities',
  'node-alone-root-tmp',
  'python-alone-root-tmp',
  'caddy-without-needs-net-bind-service',
  'rabbitmq-without-root-chown',
  'mosquitto-alone-memory',
  'nats-alone-memory',
  'registry-alone-user',
  'prometheus-without-user',
  'alertmanager-alone-user',
  'phpapache-without-ports',
  'tomcat-alone-root',
  'sudo-alone-escalation',
  'sandbox-alone-seccomp',
];

/** What hardening does not break, of the kinds that look most like it. */
const OTHERS = [
  'other-bad-config',
  'other-missing-secret',
  'other-wrong-image',
  'other-not-executable',
  'other-completed',
  'other-own-memory-limit',
  'other-own-read-only-mount',
  'other-own-read-only-root',
  'other-own-non-root',
  'other-password',
];

// make doctor-matrix runs all combinations.
describe('the doctor', function () {
  this.timeout(900_000);
  const chosen = combinations().filter(
    ({ id, group }) => group === 'rule' || OF_PROGRAMS.includes(id) || OTHERS.includes(id),
  );
  const verdicts = new Map<string, Verdict | undefined>();

  before(async () => {
    await eachOf(chosen, WIDTH, async (combination) => {
      verdicts.set(combination.id, await runCombination(combination));
    });
    const all = [...verdicts.values()].filter((verdict) => verdict !== undefined);
    console.log(`\n${confusionMatrix(all)}\n`);
  });

  it('is asked of every rule and every program of the run', () => {
    const programs = new Set(chosen.map(({ program }) => program));
    expect([...programs]).to.include.members(chosenPrograms().map(({ id }) => id));
    const rules = new Set(chosen.flatMap(({ expected }) => expected));
    const missing = RULE_IDS.filter((id) => !rules.has(id));
    // Those that only programs break, where the run does not take such a program.
    expect(chosenPrograms().some(({ id }) => id === 'sandbox') ? missing : []).to.deep.equal([]);
  });

  for (const combination of chosen) {
    it(sentence(combination), () => {
      const verdict = verdicts.get(combination.id);
      if (verdict === undefined) throw new Error('it did not break');
      const { problem, quote, evidence = '' } = verdict;
      expect(problem, `${quote}\n${evidence}`).to.equal(undefined);
    });
  }
});

function sentence({ title, expected }: Combination): string {
  return expected.length === 0 ? `blames nothing: ${title}` : `names ${expected.join(' or ')}: ${title}`;
}
