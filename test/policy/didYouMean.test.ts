import { expect } from 'chai';
import { didYouMean } from '../../src/policy/didYouMean.js';
import { RULE_IDS } from '../../src/hardening/rule.js';

describe('didYouMean', () => {
  for (const [word, meant] of [
    ['runAsUsr', 'runAsUser'],
    ['capabilites', 'capabilities'],
    ['readonlyrootfilesystem', 'readOnlyRootFilesystem'],
    ['sshdd', 'sshd'],
    ['hsotPath', 'hostPath'],
    ['somethingElse', undefined],
    ['x', undefined],
    ['', undefined],
  ] as const)
    it(`${meant ?? 'nothing'} for "${word}"`, () => {
      expect(didYouMean(word, RULE_IDS)).to.equal(meant);
    });
});
