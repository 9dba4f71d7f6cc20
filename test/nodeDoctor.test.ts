import { expect } from 'chai';
import { RULE_IDS, type RuleId } from '../src/hardening/rule.js';
import { loadPolicyObject } from '../src/policy/load.js';
import type { ReportedDiagnosis } from '../src/doctor/report.js';
import type { Combination } from './e2e/node/doctor/combination.js';
import { combinations } from './e2e/node/doctor/combinations.js';
import { confusionMatrix } from './e2e/node/doctor/confusion.js';
import { doctorPage } from './e2e/node/doctor/doctorPage.js';
import { fewCombinations } from './e2e/node/doctor/fewCombinations.js';
import { verdictOf, type Verdict } from './e2e/node/doctor/verdict.js';
import { chosenPrograms } from './e2e/node/programChoice.js';

/** What of test/e2e/node/doctor needs neither root nor a node. */
describe('the combinations that the doctor is asked of', () => {
  const all = combinations(chosenPrograms('all'));

  it('have ids of their own that can name a policy', () => {
    const ids = all.map(({ id }) => id);
    expect(new Set(ids).size).to.equal(ids.length);
    for (const id of ids) expect(`doctor-${id}`).to.match(/^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])$/);
  });

  it('have policies that load', () => {
    for (const { id, policy } of all) {
      if (policy === undefined) continue;
      const metadata = { name: `doctor-${id}` };
      const document = {
        apiVersion: 'kube-harden.io/v1alpha1',
        kind: 'HardeningPolicy',
        metadata,
        spec: policy,
      };
      expect(() => loadPolicyObject(document), id).not.to.throw();
    }
  });

  it('are, in a run of CI, of every rule, of every program, and ten of other causes', () => {
    const few = fewCombinations(chosenPrograms('all'));
    expect([...new Set(few.flatMap(({ expected }) => expected))]).to.have.members([...RULE_IDS]);
    const programs = new Set(few.map(({ program }) => program));
    expect([...programs]).to.include.members(chosenPrograms('all').map(({ id }) => id));
    expect(few.filter(({ expected }) => expected.length === 0)).to.have.length.at.least(10);
  });
});

const COMBINATION: Combination = {
  id: 'web',
  group: 'alone',
  title: 'web, | alone',
  program: 'web',
  expected: [],
  make: () => Promise.resolve(undefined),
};

describe('the verdict on what the doctor said', () => {
  const broken = { target: 'deploy/web', pod: 'web-0', quote: 'start: Read-only file system' };
  const applied = new Set<RuleId>(['readOnlyRootFilesystem', 'runAsUser']);
  const named = (...rules: readonly RuleId[]): ReportedDiagnosis => ({
    namespace: 'shop',
    object: 'pod/web-0',
    state: 'broken',
    findings: rules.map((rule) => ({
      signature: 'read-only-file-system',
      rule,
      certainty: 'likely',
      cause: 'It writes.',
      evidence: [{ source: 'log', at: 'container "web"', text: 'Read-only file system' }],
      remedies: [],
    })),
    missing: [],
  });
  const other = { ...named(), notHardening: { why: 'It exits with 1.', evidence: [] } };
  const judged = (
    expected: readonly RuleId[],
    code: number,
    ...diagnoses: readonly ReportedDiagnosis[]
  ): Verdict => {
    const combination: Combination = { ...COMBINATION, expected };
    return verdictOf(combination, broken, { code, diagnoses, text: '' }, applied);
  };

  it('is right where the first rule is one that breaks it', () => {
    expect(judged(['readOnlyRootFilesystem'], 1, named('readOnlyRootFilesystem', 'runAsUser'))).to.include({
      right: true,
      named: 'readOnlyRootFilesystem',
      evidence: 'Read-only file system',
    });
  });

  const WRONG: readonly (readonly [string, Verdict])[] = [
    ['names runAsUser', judged(['readOnlyRootFilesystem'], 1, named('runAsUser', 'readOnlyRootFilesystem'))],
    ['names no rule; exits with 0', judged(['runAsUser'], 0, other)],
    ['also names sshd, which was not applied', judged(['runAsUser'], 1, named('runAsUser', 'sshd'))],
    [
      'names runAsUser as likely; does not say that hardening is not the cause; exits with 1',
      judged([], 1, named('runAsUser')),
    ],
    [
      'says that nothing is broken; does not say that hardening is not the cause',
      judged([], 0, { ...named(), state: 'healthy' }),
    ],
  ];
  for (const [problem, verdict] of WRONG) {
    it(`is wrong where it ${problem}`, () => expect(verdict).to.include({ right: false, problem }));
  }

  it('is right where nothing is blamed of what something else broke', () => {
    expect(judged([], 0, other)).to.include({ right: true, named: undefined });
  });

  it('is right where nothing is found of what serves', () => {
    const combination: Combination = { ...COMBINATION, group: 'healthy', expected: [] };
    const of = (...diagnoses: readonly ReportedDiagnosis[]): Verdict =>
      verdictOf(combination, broken, { code: 0, diagnoses, text: '' }, applied);
    expect(of()).to.include({ right: true });
    expect(of(other)).to.include({ right: false, problem: 'says that it is broken' });
  });

  it('is counted by cause and by what was named', () => {
    const verdicts = [
      judged(['runAsUser'], 1, named('runAsUser')),
      judged(['runAsUser', 'capabilities'], 0, other),
      judged([], 0, other),
    ];
    expect(confusionMatrix(verdicts).split('\n')).to.deep.equal([
      '| cause \\ named | runAsUser | none |',
      '| --- | --: | --: |',
      '| runAsUser | 1 | 1 |',
      '| none |  | 1 |',
    ]);
  });

  it('becomes a page', () => {
    const verdicts = [judged(['runAsUser'], 1, named('runAsUser')), judged([], 0, other)];
    const page = doctorPage({
      verdicts,
      tried: 3,
      kubelet: 'v1.36.4',
      runtime: 'containerd://1.6.20',
      on: new Date('2026-11-26T05:00:00Z'),
    });
    expect(page).to.include(
      '- Broken by hardening: **1 of 1** named right.\n- Broken by something else: **1 of 1** blamed',
    );
    expect(page).to.include(
      String.raw`| web, \| alone | ${'`start: Read-only file system`'} | runAsUser, likely | ${'`Read-only file system`'} |`,
    );
  });
});
