import { expect } from 'chai';
import { displayAddress, parseBindAddress } from '../../src/server/address.js';
import { ListenError } from '../../src/server/listenError.js';

describe('parseBindAddress', () => {
  const cases: [string, unknown][] = [
    [':8443', { port: 8443 }],
    ['127.0.0.1:8443', { host: '127.0.0.1', port: 8443 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    ['[::1]:8443', { host: '::1', port: 8443 }],
    ['[fe80::1%eth0]:8443', { host: 'fe80::1%eth0', port: 8443 }],
    ['8443', { message: 'a port needs a colon in front: ":8443"' }],
    ['::1:8443', { message: 'an IPv6 address stands in brackets, as in "[::1]:8443"' }],
    [':65536', { message: 'port 65536 is above 65535' }],
    ['localhost', { message: 'an address is ":8443", "127.0.0.1:8443", "name:8443" or "[::1]:8443"' }],
    [
      'https://localhost:8443',
      { message: 'an address is ":8443", "127.0.0.1:8443", "name:8443" or "[::1]:8443"' },
    ],
    ['a b:1', { message: 'an address is ":8443", "127.0.0.1:8443", "name:8443" or "[::1]:8443"' }],
  ];
  for (const [text, expected] of cases) {
    it(`reads ${text}`, () => expect(parseBindAddress(text)).to.deep.equal(expected));
  }
});

describe('displayAddress', () => {
  it('gives what can be typed into a browser', () => {
    expect(displayAddress({ address: '::', family: 'IPv6', port: 1 })).to.equal('localhost:1');
    expect(displayAddress({ address: '0.0.0.0', family: 'IPv4', port: 1 })).to.equal('localhost:1');
    expect(displayAddress({ address: '::1', family: 'IPv6', port: 1 })).to.equal('[::1]:1');
    expect(displayAddress({ address: '127.0.0.1', family: 'IPv4', port: 1 })).to.equal('127.0.0.1:1');
  });
});

describe('ListenError', () => {
  const cases: [string, RegExp][] = [
    ['EADDRINUSE', /^--ops-bind-address \[::1\]:80: the port is taken; .* such as \[::1\]:81$/],
    ['EACCES', /not permitted; choose a port above 1023/],
    ['EADDRNOTAVAIL', /this machine has no such address/],
    ['ENOTFOUND', /cannot be resolved/],
    ['EWHATEVER', /: a message$/],
  ];
  for (const [code, message] of cases) {
    it(`says what to do about ${code}`, () => {
      const cause = Object.assign(new Error('a message'), { code });
      expect(new ListenError('ops', { host: '::1', port: 80 }, cause).message).to.match(message);
    });
  }
});
