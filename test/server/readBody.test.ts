import { expect } from 'chai';
import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { BodyBudget } from '../../src/server/bodyBudget.js';
import { Deadline } from '../../src/server/deadline.js';
import { readBody, type Body } from '../../src/server/readBody.js';

const MIB = 1024 * 1024;
const LIMIT = 4 * MIB;

describe('reading a body', () => {
  const used = { value: 0 };
  const deadlines: Deadline[] = [];
  afterEach(() => {
    for (const deadline of deadlines.splice(0)) deadline.clear();
    expect(used.value, 'bytes in flight').to.equal(0);
  });

  /** @param announced its Content-Length; without it the body comes in chunks */
  async function read(pieces: readonly Buffer[], announced?: number): Promise<Body> {
    const deadline = new Deadline(60_000);
    deadlines.push(deadline);
    const req = new PassThrough();
    const headers = announced === undefined ? {} : { 'content-length': String(announced) };
    const body = readBody(
      Object.assign(req, { headers }) as unknown as IncomingMessage,
      LIMIT,
      new BodyBudget(MIB * 64, used as never),
      deadline,
    );
    for (const piece of pieces) {
      if (!req.write(piece)) await new Promise((resolve) => req.once('drain', resolve));
    }
    req.end();
    return body;
  }

  const bytes = Buffer.from(Array.from({ length: 700_000 }, (_, index) => (index * 31) % 251));
  const cut = (whole: Buffer, size: number): Buffer[] =>
    Array.from({ length: Math.ceil(whole.length / size) }, (_, index) =>
      whole.subarray(index * size, (index + 1) * size),
    );

  for (const length of [0, 1, 7_000, 65_536, 262_144, 262_145, 700_000]) {
    for (const size of [1_000, 16_384, 1_000_000]) {
      it(`gives ${length} bytes as they came, in pieces of ${size}, announced or not`, async () => {
        const whole = bytes.subarray(0, length);
        for (const announced of [length, undefined]) {
          const body = await read(cut(whole, size), announced);
          expect(body.bytes.equals(whole)).to.equal(true);
          expect(used.value).to.equal(length);
          body.release();
          expect(used.value).to.equal(0);
        }
      });
    }
  }

  it('gives the memory of a large one back when it is released', async () => {
    const body = await read(cut(bytes, 16_384), bytes.length);
    const held = body.bytes;
    expect(held.length).to.equal(bytes.length);
    body.release();
    expect([held.length, body.bytes.length]).to.deep.equal([0, 0]);
  });

  it('gives the memory of many large ones back at once, without a collection of garbage', async () => {
    const large = Buffer.alloc(4 * MIB, 'x');
    const residentMiB = (): number => process.memoryUsage.rss() / MIB;
    const bodies = [];
    for (let n = 0; n < 10; n++) bodies.push(await read(cut(large, 1_000_000), large.length));
    const before = residentMiB();
    for (const body of bodies) body.release();
    expect(before - residentMiB()).to.be.within(35, 45);
  });

  it('takes no memory from who made a piece', async () => {
    const piece = Buffer.allocUnsafeSlow(MIB).fill(7);
    const body = await read([piece], MIB);
    body.release();
    expect(piece.every((byte) => byte === 7) && piece.length === MIB).to.equal(true);
  });
});
