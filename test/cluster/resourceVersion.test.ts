import { expect } from 'chai';
import { isLater } from '../../src/cluster/resourceVersion.js';

describe('isLater', () => {
  const cases: [version: string, than: string, later: boolean][] = [
    ['2', '1', true],
    ['1', '2', false],
    ['7', '7', false],
    ['10', '9', true],
    ['9', '10', false],
    ['1', '', true],
    ['', '1', false],
    // A double does not tell these two apart.
    ['9007199254740993', '9007199254740992', true],
    ['9007199254740992', '9007199254740993', false],
    ['18446744073709551616', '9999999999999999999', true],
  ];
  for (const [version, than, later] of cases) {
    it(`${version || '(none)'} is ${later ? '' : 'not '}later than ${than || '(none)'}`, () => {
      expect(isLater(version, than)).to.equal(later);
    });
  }
});
