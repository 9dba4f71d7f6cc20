import { expect } from 'chai';
import { PolicyWriteError, writeProfiles } from '../../src/learn/policyWrite.js';
import { loadPolicies } from '../../src/policy/load.js';
import { PolicyError } from '../../src/policy/policyError.js';

const POLICY = `# The shop's policy.
apiVersion: kube-harden.io/v1alpha1
kind: HardeningPolicy
metadata:
  name: shop # ours
spec:
  # What is known of images.
  imageProfiles:
    - images: ["registry.example/a"] # the first
      runAsUser: 101
      writablePaths: [/run]   # its pid file
    - images:
        - registry.example/b
        - 'registry.example/c'
      runAsUser: 5
  # The rest is as in default.
  rules:
    resources: {action: Disabled}
`;
const LEARNED = { images: ['registry.example/new'], runAsUser: 999, writablePaths: ['/run'], ports: [80] };
const OPTIONS = { name: 'shop.yaml', policy: 'shop' };

/** The lines of a diff that take something away or add something. */
function changed(diff: string): readonly string[] {
  return diff.split('\n').filter((line) => /^[+-](?![+-])/.test(line));
}

describe('writeProfiles', () => {
  it('adds an entry after the others, and touches no line', () => {
    const { text, diff, policy, told } = writeProfiles(POLICY, [LEARNED], OPTIONS);
    expect(changed(diff).filter((line) => line.startsWith('-'))).to.deep.equal([]);
    for (const line of POLICY.split('\n')) expect(text).to.include(line);
    expect(loadPolicies(text)[0]?.imageProfiles.at(-1)).to.deep.equal(LEARNED);
    expect(policy).to.equal('shop');
    expect(told).to.deep.equal(['registry.example/new: added to spec.imageProfiles']);
  });

  it('lets the entry of the same image take the profile up', () => {
    const { text, diff, told } = writeProfiles(
      POLICY,
      [{ ...LEARNED, images: ['registry.example/a'] }],
      OPTIONS,
    );
    expect(changed(diff)).to.deep.equal([
      '-      runAsUser: 101',
      '+      runAsUser: 999',
      '+      ports:',
      '+        - 80',
    ]);
    expect(text).to.include('writablePaths: [/run]   # its pid file');
    expect(told).to.deep.equal([
      'registry.example/a: runAsUser 101 gives way to 999',
      'registry.example/a: its entry takes up what was learned',
    ]);
  });

  it('gives an image its own entry where it shared one, and leaves the others as they were', () => {
    const { text } = writeProfiles(POLICY, [{ ...LEARNED, images: ['registry.example/c'] }], OPTIONS);
    const profiles = loadPolicies(text)[0]?.imageProfiles;
    expect(profiles?.slice(1)).to.deep.equal([
      { images: ['registry.example/b'], runAsUser: 5 },
      { ...LEARNED, images: ['registry.example/c'] },
    ]);
  });

  it('knows an image by any of its names', () => {
    const text = POLICY.replace('registry.example/a', 'web');
    const { told } = writeProfiles(
      text,
      [{ ...LEARNED, images: ['docker.io/library/web'], runAsUser: 101 }],
      OPTIONS,
    );
    expect(told).to.deep.equal(['docker.io/library/web: its entry takes up what was learned']);
  });

  it('does nothing the second time', () => {
    const once = writeProfiles(POLICY, [LEARNED], OPTIONS);
    const twice = writeProfiles(once.text, [LEARNED], OPTIONS);
    expect(twice).to.include({ text: once.text, diff: '' });
    expect(twice.told).to.deep.equal(['registry.example/new: its entry says all of it already']);
  });

  const EMPTY: readonly [name: string, spec: string][] = [
    ['no imageProfiles', 'spec:\n  warnings: Full\n'],
    ['an empty spec', 'spec: {}\n'],
    ['an empty list', 'spec:\n  imageProfiles: []\n'],
    ['a null', 'spec:\n  imageProfiles:\n'],
  ];
  for (const [name, spec] of EMPTY) {
    it(`makes the list where there is ${name}`, () => {
      const text = `apiVersion: kube-harden.io/v1alpha1\nkind: HardeningPolicy\nmetadata: {name: shop}\n${spec}`;
      const written = writeProfiles(text, [LEARNED], OPTIONS);
      expect(loadPolicies(written.text)[0]?.imageProfiles).to.deep.equal([LEARNED]);
    });
  }

  it('writes JSON as JSON', () => {
    const object = {
      apiVersion: 'kube-harden.io/v1alpha1',
      kind: 'HardeningPolicy',
      metadata: { name: 'shop' },
      spec: {},
    };
    const { text } = writeProfiles(JSON.stringify(object), [LEARNED], OPTIONS);
    expect(JSON.parse(text)).to.deep.equal({ ...object, spec: { imageProfiles: [LEARNED] } });
  });

  it('says that a glob or a version of the image counts otherwise', () => {
    const text = POLICY.replace('"registry.example/a"', '"registry.example/*", "registry.example/new:2"');
    expect(writeProfiles(text, [LEARNED], OPTIONS).told).to.deep.equal([
      'registry.example/new: the entry for registry.example/* no longer counts for this image, since the new one names it',
      'registry.example/new: the entry for registry.example/new:2 goes on to count for that version, and does not take this up',
      'registry.example/new: added to spec.imageProfiles',
    ]);
  });

  it('takes of several policies the one that the namespace names', () => {
    const other = POLICY.replace('name: shop', 'name: other');
    const { text } = writeProfiles(`${other}---\n${POLICY}`, [LEARNED], OPTIONS);
    const policies = loadPolicies(text).map(({ name, imageProfiles }) => [name, imageProfiles.length]);
    expect(policies).to.deep.equal([
      ['other', 2],
      ['shop', 3],
    ]);
    expect(() => writeProfiles(`${other}---\n${POLICY}`, [LEARNED], { name: 'x', policy: 'third' })).to.throw(
      PolicyWriteError,
      'it holds 2 policies ("other", "shop") and none is "third"',
    );
  });

  it('writes nothing that does not load', () => {
    expect(() => writeProfiles(POLICY.replace('101', '0'), [LEARNED], OPTIONS)).to.throw(
      PolicyError,
      'shop.yaml',
    );
    expect(() => writeProfiles(POLICY, [{ ...LEARNED, ports: [0] }], OPTIONS)).to.throw(PolicyError, 'ports');
  });
});
