import { expect } from 'chai';
import type { ImageProfile } from '../../src/hardening/plan.js';
import { ImageProfileIndex } from '../../src/images/imageProfiles.js';
import { BUILTIN_IMAGE_PROFILES } from '../../src/policy/builtin.generated.js';

/** Profiles are told apart by their uid. */
function profile(runAsUser: number, ...images: string[]): ImageProfile {
  return { images, runAsUser };
}

const BUILT_IN = [profile(101, 'docker.io/library/nginx', 'public.ecr.aws/docker/library/nginx')];

function found(index: ImageProfileIndex, image: string): string {
  const match = index.lookup(image);
  if (!match) return 'none';
  const words = [match.profile.runAsUser, match.fromPolicy && 'policy', match.exact && 'exact'];
  return words.filter((word) => word !== false).join(' ');
}

describe('image profiles', () => {
  const cases: [what: string, ofPolicy: ImageProfile[], image: string, expected: string][] = [
    ['the official image by its short name', [], 'nginx', '101 exact'],
    ['the official image by its whole name', [], 'docker.io/library/nginx:1.27', '101 exact'],
    ['the old name of Docker Hub', [], 'index.docker.io/library/nginx', '101 exact'],
    ['a copy that the entry names', [], 'public.ecr.aws/docker/library/nginx:1', '101 exact'],
    ['a mirror: never exact', [], 'mirror.example/library/nginx', '101'],
    ['a mirror with a path of its own', [], 'mirror.example/hub/library/nginx:1.27', '101'],
    ['a repackaged image of the same last name: not', [], 'bitnami/nginx', 'none'],
    ['the same last name elsewhere: not', [], 'registry.example/nginx', 'none'],
    ['a name that merely ends alike: not', [], 'registry.example/mylibrary/nginx', 'none'],
    ['another image: not', [], 'nginx-unprivileged', 'none'],

    ['the policy before the built-in', [profile(1, 'nginx')], 'nginx', '1 policy exact'],
    ["the policy's glob before the built-in's name", [profile(1, '*/nginx')], 'nginx', '1 policy'],
    [
      "the policy's mirror before the built-in's name",
      [profile(1, 'nginx')],
      'public.ecr.aws/docker/library/nginx',
      '1 policy',
    ],
    ['a glob alone, not exact', [profile(1, 'registry.example/*')], 'registry.example/web', '1 policy'],
    [
      'a name before a glob, whatever the order',
      [profile(1, 'registry.example/*'), profile(2, 'registry.example/web')],
      'registry.example/web',
      '2 policy exact',
    ],
    [
      'a name with a tag before one without',
      [profile(1, 'registry.example/web'), profile(2, 'registry.example/web:1.*')],
      'registry.example/web:1.2',
      '2 policy exact',
    ],
    [
      'another tag: the name without one',
      [profile(1, 'registry.example/web'), profile(2, 'registry.example/web:1.*')],
      'registry.example/web:2',
      '1 policy exact',
    ],
    [
      'a digest glob',
      [profile(1, 'registry.example/web@sha256:ab*')],
      'registry.example/web@sha256:abcd',
      '1 policy exact',
    ],
    [
      'another digest',
      [profile(1, 'registry.example/web@sha256:ab*')],
      'registry.example/web@sha256:cd',
      'none',
    ],
    ['a tag only: the glob of a digest does not match', [profile(1, 'web@sha256:*')], 'web:1', 'none'],
    ['the first of two that say the same', [profile(1, 'web'), profile(2, 'web')], 'web', '1 policy exact'],
    [
      'a mirror with the tag of the entry',
      [profile(1, 'nginx:1.*')],
      'm.example/library/nginx:1.2',
      '1 policy',
    ],
    ['a mirror with another tag', [profile(1, 'nginx:1.*')], 'm.example/library/nginx:2', '101'],
    ['no mirrors of what is not official', [profile(1, 'bitnami/nginx')], 'm.example/bitnami/nginx', 'none'],
    ['a pattern of all images', [profile(1, '*')], 'localhost:5000/a/b', '1 policy'],
  ];
  for (const [what, ofPolicy, image, expected] of cases) {
    it(`finds ${what}`, () => {
      const index = new ImageProfileIndex(ofPolicy, BUILT_IN);
      expect(found(index, image)).to.equal(expected);
      expect(found(index, image), 'from the cache').to.equal(expected);
    });
  }

  for (const [image, uid] of Object.entries({
    nginx: 101,
    postgres: 999,
    redis: 999,
    httpd: 33,
    memcached: 11211,
    haproxy: 99,
  })) {
    it(`knows ${image}`, () => {
      const index = new ImageProfileIndex([], BUILTIN_IMAGE_PROFILES);
      expect(found(index, image)).to.equal(`${uid} exact`);
      expect(found(index, `mirror.example/library/${image}`)).to.equal(`${uid}`);
      expect(found(index, `bitnami/${image}`)).to.equal('none');
    });
  }

  it('keeps what it has found, for a bounded number of images of a length that images have', () => {
    const index = new ImageProfileIndex([], BUILT_IN);
    const first = index.lookup('nginx');
    expect(index.lookup('nginx')).to.equal(first);
    for (let i = 0; i < 5000; i++) index.lookup(`registry.example/flood:${i}`);
    expect(index.lookup('nginx')).to.deep.equal(first);
    expect(index.lookup('nginx') === first).to.equal(false);
    const long = `mirror.example/${'a'.repeat(600)}/library/nginx`;
    expect(index.lookup(long)?.profile.runAsUser).to.equal(101);
    expect(index.lookup(long) === index.lookup(long)).to.equal(false);
  });
});
