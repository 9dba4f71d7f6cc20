import { expect } from 'chai';
import fc from 'fast-check';
import { visible, wrapText } from '../../src/preview/wrapText.js';

const COMMAND = 'kubectl label ns shop kube-harden.io/runAsUser=disabled';

describe('wrapText', () => {
  it('breaks at spaces, and nothing where there is room', () => {
    expect(wrapText('one two three', 7)).to.deep.equal(['one two', 'three']);
    expect(wrapText('one two three', 13)).to.deep.equal(['one two three']);
    expect(wrapText('', 10)).to.deep.equal([]);
  });

  it('keeps the spaces of a value', () => {
    expect(wrapText('is "a  b"', 20)).to.deep.equal(['is "a  b"']);
  });

  it('cuts a word that is longer than a line', () => {
    expect(wrapText('a abcdefgh', 4)).to.deep.equal(['a', 'abcd', 'efgh']);
  });

  it('keeps a command whole', () => {
    expect(wrapText(`opt out: ${COMMAND}`, 60)).to.deep.equal(['opt out:', COMMAND]);
    expect(wrapText(`${COMMAND} --overwrite`, 67)).to.deep.equal([`${COMMAND} --overwrite`]);
  });

  it('breaks a command that is too long as a shell takes it', () => {
    expect(wrapText(COMMAND, 40)).to.deep.equal([
      'kubectl label ns shop \\',
      '  kube-harden.io/runAsUser=disabled',
    ]);
  });

  it('never makes a line wider than it may be', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 30 }), (text, width) => {
        for (const line of wrapText(text, width)) expect(Array.from(line).length).to.be.at.most(width);
      }),
    );
  });
});

describe('visible', () => {
  it('shows no control character and nothing that turns text around', () => {
    expect(visible('a\u001b[31mb\u202Ec\u0085\nd')).to.equal('a?[31mb?c? d');
  });
});
