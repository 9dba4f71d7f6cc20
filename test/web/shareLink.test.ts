import { expect } from 'chai';
import { deflateRawSync } from 'node:zlib';
import { fromFragment, toFragment, type Shared } from '../../src/web/shareLink.js';

const SHARED: Shared = {
  text: 'kind: Pod # größer \u{1f600}\n',
  choices: {
    namespace: 'shop',
    policy: 'restricted',
    mode: 'audit',
    version: 'v1.36',
    labels: 'kube-harden.io/sshd=warn',
    off: ['readOnlyRootFilesystem'],
  },
};

function fragmentOf(value: string | Buffer): string {
  return `#v1.${deflateRawSync(value).toString('base64url')}`;
}

describe('a link to a preview', () => {
  it('carries manifest and choices there and back', async () => {
    const fragment = await toFragment(SHARED);
    expect(fragment).to.match(/^#v1\.[A-Za-z0-9_-]+$/);
    expect(await fromFragment(fragment)).to.deep.equal(SHARED);
  });

  it('is the same format as deflate and base64url elsewhere', async () => {
    expect(await fromFragment(fragmentOf(JSON.stringify(SHARED)))).to.deep.equal(SHARED);
  });

  for (const [name, fragment] of [
    ['another fragment', '#hardened-heading'],
    ['what is not base64url', '#v1.***'],
    ['what is cut off', fragmentOf(JSON.stringify(SHARED)).slice(0, 40)],
    ['what is not JSON', fragmentOf('kind: Pod')],
    ['a manifest that is no text', fragmentOf(JSON.stringify({ ...SHARED, text: 1 }))],
    [
      'choices of other types',
      fragmentOf(JSON.stringify({ ...SHARED, choices: { ...SHARED.choices, off: [1] } })),
    ],
    ['no choices', fragmentOf(JSON.stringify({ text: '' }))],
    [
      'what unpacks to more than 20 MiB',
      fragmentOf(JSON.stringify({ ...SHARED, text: 'x'.repeat(21 * 1024 * 1024) })),
    ],
  ] as const) {
    it(`reads nothing from ${name}`, async () => {
      expect(await fromFragment(fragment)).to.equal(undefined);
    });
  }
});
