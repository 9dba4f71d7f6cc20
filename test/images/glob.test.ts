import { expect } from 'chai';
import { isGlob, matchesGlob } from '../../src/images/glob.js';

describe('globs', () => {
  const cases: [glob: string, text: string, matches: boolean][] = [
    ['', '', true],
    ['', 'a', false],
    ['a', '', false],
    ['a', 'a', true],
    ['a', 'A', false],
    ['*', '', true],
    ['*', 'a/b:c', true],
    ['**', '', true],
    ['?', '', false],
    ['?', 'a', true],
    ['?', 'ab', false],
    ['a*', 'a', true],
    ['*a', 'ba', true],
    ['*a', 'ab', false],
    ['a*c', 'abbbc', true],
    ['a*c', 'abbb', false],
    ['a*b*c', 'a1b2b3c', true],
    ['a?c', 'abc', true],
    ['a?*c', 'ac', false],
    ['*.*', 'a.b', true],
    ['team-*', 'team-a', true],
    ['team-*', 'my-team-a', false],
    // Nothing else is special.
    ['a.c', 'abc', false],
    ['[ab]', 'a', false],
    ['a+', 'aa', false],
    ['\\*', '\\x', true],
    ['$', '$', true],
  ];
  for (const [glob, text, matches] of cases) {
    it(`${JSON.stringify(glob)} ${matches ? 'matches' : 'does not match'} ${JSON.stringify(text)}`, () => {
      expect(matchesGlob(glob, text)).to.equal(matches);
    });
  }

  it('knows a glob from a name', () => {
    expect(['a*', '?b', '*'].map(isGlob)).to.deep.equal([true, true, true]);
    expect(['', 'a', 'a.b', '[a]'].map(isGlob)).to.deep.equal([false, false, false, false]);
  });

  const pathological: [what: string, glob: string, text: string][] = [
    ['many stars', `${'*a'.repeat(50)}b`, 'a'.repeat(2000)],
    ['stars and question marks', `${'*?'.repeat(50)}b`, 'a'.repeat(2000)],
    ['nothing but stars', `${'*'.repeat(1000)}b`, 'a'.repeat(2000)],
    ['an almost matching tail', `*${'a'.repeat(100)}b`, 'a'.repeat(2000)],
  ];
  for (const [what, glob, text] of pathological) {
    it(`takes at most about pattern times text steps for ${what}`, () => {
      const steps = { count: 0 };
      expect(matchesGlob(glob, counted(text, steps))).to.equal(false);
      expect(steps.count).to.be.below(4 * (glob.length + 1) * (text.length + 1));
    });
  }

  it('takes one step a character where a star is followed by what the text does not have', () => {
    const steps = { count: 0 };
    expect(matchesGlob('*/library/nginx', counted('x'.repeat(10_000), steps))).to.equal(false);
    expect(steps.count).to.be.below(50_000);
  });
});

/** A text that counts how often it is looked at. */
function counted(text: string, steps: { count: number }): string {
  const watched = new Proxy(Object(text) as object, {
    get(_target, key) {
      steps.count++;
      return key === 'length' ? text.length : text[Number(key)];
    },
  });
  return watched as unknown as string;
}
