import { expect } from 'chai';
import { parseFileCapability } from '../../src/images/fileCapability.js';
import { capability } from './support/tar.js';

describe('parseFileCapability', () => {
  it('reads what setcap cap_net_bind_service=ep writes', () => {
    // getfattr -e hex -n security.capability, on a real file
    const attribute = Buffer.from('0100000200040000000000000000000000000000', 'hex');
    expect(parseFileCapability(attribute)).to.deep.equal({
      permitted: ['NET_BIND_SERVICE'],
      effective: true,
    });
  });
  it('reads both words, revision 3, and what is not put into effect', () => {
    expect(parseFileCapability(capability([7, 31, 39], { revision: 3, effective: false }))).to.deep.equal({
      permitted: ['SETUID', 'SETFCAP', 'BPF'],
      effective: false,
    });
  });
  it('names one that is newer than this list by its number', () => {
    expect(parseFileCapability(capability([63]))?.permitted).to.deep.equal(['capability 63']);
  });
  for (const [title, attribute] of [
    ['nothing', Buffer.alloc(0)],
    ['no capability at all', capability([])],
    ['too few bytes', capability([10]).subarray(0, 12)],
    ['an unknown revision', capability([10], { revision: 9 })],
  ] as const) {
    it(`is undefined for ${title}`, () => expect(parseFileCapability(attribute)).to.equal(undefined));
  }
});
