import { expect } from 'chai';
import { redactFor } from '../../src/doctor/redact.js';

const redact = redactFor({
  spec: {
    containers: [
      {
        name: 'web',
        env: [
          { name: 'PASSWORD', value: 'correct horse battery' },
          { name: 'KEY', value: 'first-line\nsecond-line' },
          { name: 'QUOTED', value: 'a"b\\c-value' },
          { name: 'SHORT', value: '80' },
          { name: 'REF', valueFrom: { secretKeyRef: { name: 'a', key: 'b' } } },
        ],
      },
    ],
    initContainers: [{ name: 'init', env: [{ name: 'TOKEN', value: 'init-secret' }] }],
  },
});

describe('what is shown of a text', () => {
  const HIDDEN: readonly (readonly [string, string])[] = [
    ['login with correct horse battery failed', 'login with [hidden] failed'],
    ['key: second-line', 'key: [hidden]'],
    ['{"q":"a\\"b\\\\c-value"}', '{"q":"[hidden]"}'],
    ['init-secret', '[hidden]'],
    ['Authorization: Bearer abcdefgh12345', 'Authorization: [hidden] [hidden]'],
    ['jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl end', 'jwt [hidden] end'],
    ['postgres://app:s3cr3t@db/shop', 'postgres://app:[hidden]@db/shop'],
    ['password=hunter22, user=app', 'password=[hidden], user=app'],
    ['"api_key": "abc123def"', '"api_key": [hidden]'],
    ['-----BEGIN RSA PRIVATE KEY-----MIIEow', '[hidden]'],
    ['AKIAIOSFODNN7EXAMPLE', '[hidden]'],
    ['ghp_16C7e42F292c6912E7710c838347Ae178B4a', '[hidden]'],
  ];
  for (const [text, shown] of HIDDEN) {
    it(`${text} becomes ${shown}`, () => expect(redact(text)).to.equal(shown));
  }

  it('is one line of at most 300 characters, without control characters', () => {
    expect(redact('a\tb\u001b[31mc\nd\u202ee')).to.equal('a b [31mc d e');
    expect(redact('x '.repeat(1000))).to.have.lengthOf(300);
  });

  it('keeps what is no secret', () => {
    const line = 'bind() to 0.0.0.0:80 failed (13: Permission denied)';
    expect(redact(line)).to.equal(line);
  });

  it('does not leave a half of a secret behind where a line is cut', () => {
    const line = `${'x'.repeat(290)} password=abcdefghijklmnop`;
    expect(redact(line)).not.to.contain('abc');
  });
});
