import { expect } from 'chai';
import { ProblemError, problem } from '../../src/preview/problem.js';
import { isLoopback } from '../../src/server/previewListener.js';
import { certificateCheck } from '../../src/server/servers.js';

describe('problem', () => {
  it('has what RFC 9457 asks for, and no member without a value', () => {
    expect(problem(404, 'there is no such page')).to.deep.equal({
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      detail: 'there is no such page',
    });
  });

  it('carries what is wrong, line by line', () => {
    const errors = [
      { document: 2, line: 7, field: 'resources.limits.memory', message: '"12Q" is not a quantity' },
    ];
    const error = new ProblemError(400, 'the manifest is wrong', {
      title: 'Bad manifest',
      instance: '/preview',
      errors,
    });
    expect(error.problem).to.deep.equal({
      type: 'about:blank',
      title: 'Bad manifest',
      status: 400,
      detail: 'the manifest is wrong',
      instance: '/preview',
      errors,
    });
  });
});

describe('ProblemError', () => {
  it('keeps the headers of its answer out of the document', () => {
    const error = new ProblemError(503, 'come again', { headers: { 'retry-after': '5' } });
    expect(error.headers).to.deep.equal({ 'retry-after': '5' });
    expect(error.problem).to.have.all.keys('type', 'title', 'status', 'detail');
    expect(new ProblemError(404, 'nothing here').headers).to.deep.equal({});
  });
});

describe('isLoopback', () => {
  for (const address of ['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1']) {
    it(`is true of ${address}`, () => expect(isLoopback(address)).to.equal(true));
  }
  for (const address of [
    undefined,
    '',
    '10.0.0.1',
    '::ffff:10.127.0.1',
    '::',
    'fe80::1',
    '128.0.0.1',
    '127.evil',
  ]) {
    it(`is false of ${address}`, () => expect(isLoopback(address)).to.equal(false));
  }
});

describe('certificateCheck', () => {
  const now = Date.parse('2026-06-01T00:00:00Z');
  const cases: [string, string, unknown][] = [
    ['far away', '2027-06-01T00:00:00Z', { ok: true, detail: undefined }],
    ['near', '2026-06-10T12:00:00Z', { ok: true, detail: 'expires on 2026-06-10, in 9 days' }],
    ['past', '2026-06-01T00:00:00Z', { ok: false, detail: 'expired on 2026-06-01' }],
  ];
  for (const [what, date, expected] of cases) {
    it(`of an expiry that is ${what}`, () =>
      expect(certificateCheck({ begins: 0, expires: Date.parse(date) }, now)).to.deep.equal(expected));
  }

  it('of a beginning that lies ahead by more than clocks differ', () => {
    const expires = Date.parse('2027-06-01T00:00:00Z');
    const check = (begins: string): unknown => certificateCheck({ begins: Date.parse(begins), expires }, now);
    expect(check('2026-06-01T00:05:00Z')).to.include({ ok: true });
    expect(check('2026-06-01T00:05:01Z')).to.deep.equal({
      ok: false,
      detail: 'not valid before 2026-06-01T00:05:01.000Z',
    });
  });
});
