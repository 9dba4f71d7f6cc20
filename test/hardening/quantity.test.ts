import { expect } from 'chai';
import { formatQuantity, parseQuantity } from '../../src/hardening/quantity.js';

const NANO = 10n ** 9n;

describe('parseQuantity', () => {
  const equal: [unknown, bigint][] = [
    ['1', NANO],
    [1, NANO],
    ['0', 0n],
    ['0.5', NANO / 2n],
    [0.5, NANO / 2n],
    ['.5', NANO / 2n],
    ['5.', 5n * NANO],
    ['+2', 2n * NANO],
    ['-2', -2n * NANO],
    ['100m', NANO / 10n],
    ['1u', 1000n],
    ['1n', 1n],
    ['1k', 1000n * NANO],
    ['256M', 256_000_000n * NANO],
    ['1G', 10n ** 18n],
    ['1T', 10n ** 21n],
    ['1P', 10n ** 24n],
    ['1E', 10n ** 27n],
    ['1Ki', 1024n * NANO],
    ['1Mi', (1n << 20n) * NANO],
    ['1Gi', (1n << 30n) * NANO],
    ['1.5Gi', 3n * (1n << 29n) * NANO],
    ['1Ti', (1n << 40n) * NANO],
    ['1Pi', (1n << 50n) * NANO],
    ['1Ei', (1n << 60n) * NANO],
    ['12e6', 12_000_000n * NANO],
    ['12E6', 12_000_000n * NANO],
    ['1e+3', 1000n * NANO],
    ['1e-3', NANO / 1000n],
    [1e21, 10n ** 30n],
    [1e-7, 100n],
    ['0.0000000001', 1n], // rounded up to a nano, as the API server does
    ['-0.0000000001', -1n],
    ['0.1Ki', 102_400_000_000n],
  ];
  for (const [text, nanos] of equal)
    it(`${JSON.stringify(text)} is ${nanos} nanos`, () => expect(parseQuantity(text)).to.equal(nanos));

  const wrong = [
    '',
    ' ',
    '12Q',
    '1 Gi',
    '1K',
    '1ki',
    '1mi',
    '1e',
    'e3',
    'm',
    '.',
    '+',
    '1.2.3',
    '0x10',
    '1e1234',
  ];
  for (const text of [...wrong, '9'.repeat(65), NaN, Infinity, null, undefined, true, {}, ['1']])
    it(`${JSON.stringify(text)} is no quantity`, () => expect(parseQuantity(text)).to.equal(undefined));

  it('answers the same the second time, and after more texts than it keeps', () => {
    for (let i = 0; i < 5000; i++) expect(parseQuantity(`${i}m`)).to.equal(BigInt(i) * 1_000_000n);
    expect(parseQuantity('12Q')).to.equal(undefined);
    expect(parseQuantity('12Q')).to.equal(undefined);
    expect(parseQuantity('1Gi')).to.equal((1n << 30n) * NANO);
  });
  it('an exponent of three digits costs nothing', () => {
    expect(parseQuantity('1e999')).to.equal(10n ** 1008n);
    expect(parseQuantity('1e-999')).to.equal(1n);
  });
});

describe('formatQuantity', () => {
  for (const text of ['0', '1', '100m', '1500m', '250u', '3n', '536870912'])
    it(`writes ${text} so that it reads back`, () =>
      expect(formatQuantity(parseQuantity(text) ?? -1n)).to.equal(text));
});
