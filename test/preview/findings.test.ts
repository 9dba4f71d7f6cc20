import { expect } from 'chai';
import { FAIL_ON, hasFindings, type FailOn } from '../../src/preview/findings.js';
import type { Risk } from '../../src/hardening/rule.js';

const change = (risk: Risk) => ({
  rule: 'seccompProfile' as const,
  ...{ container: null, field: 'spec.x', before: null, after: 1, reason: '', risk, profile: null },
});
const violation = {
  rule: 'sshd' as const,
  ...{ container: null, field: 'spec.x', value: 1, denied: false, fix: '' },
};

describe('hasFindings', () => {
  const cases: readonly [string, Parameters<typeof hasFindings>[0], readonly FailOn[]][] = [
    ['nothing', [{ changes: [], violations: [] }], []],
    ['no object', [], []],
    ['a change of low risk', [{ changes: [change('low')], violations: [] }], ['change']],
    ['a change of medium risk', [{ changes: [change('medium')], violations: [] }], ['change', 'risk']],
    [
      'a change of high risk',
      [{ changes: [change('low'), change('high')], violations: [] }],
      ['change', 'risk'],
    ],
    ['a violation', [{ changes: [], violations: [violation] }], ['change', 'risk', 'violation']],
  ];
  for (const [what, results, failing] of cases) {
    it(`${what}: found by ${failing.join(', ') || 'none'}`, () => {
      expect(FAIL_ON.filter((failOn) => hasFindings(results, failOn))).to.deep.equal(failing);
    });
  }
});
