import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { CONTROLS } from '../../src/podSecurity/controls/index.js';
import { NEWEST_MINOR, parsePodSecurityVersion, podSecurityVersion } from '../../src/podSecurity/version.js';

describe('versions of the Pod Security Standards', () => {
  for (const [text, version] of [
    ['latest', 'latest'],
    ['v1.0', 0],
    ['v1.36', 36],
    ['v1.120', 120],
  ] as const) {
    it(`are read as a namespace's label spells them: ${text}`, () =>
      expect(parsePodSecurityVersion(text)).to.equal(version));
  }

  for (const text of [
    '',
    '1.36',
    'v1',
    'v1.036',
    'v2.0',
    'v1.36.4',
    'v1.-1',
    'Latest',
    'v1.36\n',
    'newest',
  ]) {
    it(`are not ${JSON.stringify(text)}`, () => expect(parsePodSecurityVersion(text)).to.equal(undefined));
  }

  it('that are not known yet count as the newest', () => {
    expect(podSecurityVersion(36)).to.equal('v1.36');
    expect(podSecurityVersion(NEWEST_MINOR + 1)).to.equal(`v1.${NEWEST_MINOR}`);
  });

  it('of which the newest is the one that docs/contract.md names', () => {
    const page = readFileSync(new URL('../../docs/contract.md', import.meta.url), 'utf8');
    expect(page).to.include(`the newest that kube-harden knows, v1.${NEWEST_MINOR}.`);
  });

  it('are known up to the newest that a control begins with', () => {
    for (const { id, since = 0 } of CONTROLS) expect(since, id).to.be.at.most(NEWEST_MINOR);
  });
});
