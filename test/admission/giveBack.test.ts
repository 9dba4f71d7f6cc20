import { expect } from 'chai';
import { giveBack } from '../../src/admission/giveBack.js';

const MIB = 1024 * 1024;

describe('giving memory back', () => {
  it('empties a buffer, and whatever looks at it', () => {
    const bytes = Buffer.allocUnsafeSlow(MIB).fill(1);
    const part = bytes.subarray(10, 20);
    giveBack(bytes.buffer);
    expect([bytes.length, part.length]).to.deep.equal([0, 0]);
  });

  it('is done at once, without a collection of garbage', () => {
    const { arrayBuffers } = process.memoryUsage();
    const many = Array.from({ length: 20 }, () => new ArrayBuffer(MIB));
    expect(process.memoryUsage().arrayBuffers - arrayBuffers).to.equal(20 * MIB);
    for (const memory of many) giveBack(memory);
    expect(process.memoryUsage().arrayBuffers - arrayBuffers).to.equal(0);
  });

  it('leaves an empty one as it is', () => {
    const memory = new ArrayBuffer(0);
    giveBack(memory);
    expect(memory.byteLength).to.equal(0);
  });
});
