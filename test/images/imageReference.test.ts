import { expect } from 'chai';
import { CACHED_IMAGE_MAX, parseImage } from '../../src/images/imageReference.js';

const DIGEST = `sha256:${'a'.repeat(64)}`;

describe('image references', () => {
  const normalised: [image: string, repository: string, tag?: string | undefined, digest?: string][] = [
    ['nginx', 'docker.io/library/nginx'],
    ['nginx:1.27', 'docker.io/library/nginx', '1.27'],
    [`nginx@${DIGEST}`, 'docker.io/library/nginx', undefined, DIGEST],
    [`nginx:1.27@${DIGEST}`, 'docker.io/library/nginx', '1.27', DIGEST],
    ['library/nginx', 'docker.io/library/nginx'],
    ['bitnami/nginx', 'docker.io/bitnami/nginx'],
    ['docker.io/nginx', 'docker.io/library/nginx'],
    ['docker.io/bitnami/nginx:latest', 'docker.io/bitnami/nginx', 'latest'],
    ['index.docker.io/nginx', 'docker.io/library/nginx'],
    ['index.docker.io/library/nginx:1', 'docker.io/library/nginx', '1'],
    ['registry-1.docker.io/library/nginx', 'docker.io/library/nginx'],
    ['localhost/nginx', 'localhost/nginx'],
    ['localhost:5000/nginx', 'localhost:5000/nginx'],
    ['localhost:5000/nginx:1.27', 'localhost:5000/nginx', '1.27'],
    ['registry:5000/team/web', 'registry:5000/team/web'],
    [`registry:5000/team/web:1@${DIGEST}`, 'registry:5000/team/web', '1', DIGEST],
    ['10.0.0.1/web', '10.0.0.1/web'],
    ['[::1]:5000/web:2', '[::1]:5000/web', '2'],
    ['ghcr.io/owner/repo/image:v1', 'ghcr.io/owner/repo/image', 'v1'],
    ['registry.example/nginx', 'registry.example/nginx'],
    ['nginx.example', 'docker.io/library/nginx.example'],
    // A name with a port-like tail and no slash is a tag, as in Docker.
    ['localhost:5000', 'docker.io/library/localhost', '5000'],
  ];
  for (const [image, repository, tag, digest] of normalised) {
    it(`reads ${image}`, () => {
      expect(parseImage(image)).to.deep.equal({ repository, tag, digest });
    });
  }

  const odd = [
    '',
    ' ',
    ':',
    '@',
    '/',
    '//',
    'a/',
    '/a',
    ':tag',
    '@sha256:',
    'a:b:c',
    'a@b@c',
    '__proto__',
    'constructor',
    'ünï/cøde',
    '\0',
  ];
  for (const image of odd) {
    it(`takes ${JSON.stringify(image)} apart without failing`, () => {
      expect(parseImage(image).repository).to.be.a('string');
    });
  }

  it('keeps what it has read, for a bounded number of images', () => {
    const kept = parseImage('registry.example/kept');
    expect(parseImage('registry.example/kept')).to.equal(kept);
    for (let i = 0; i < 5000; i++) parseImage(`registry.example/flood:${i}`);
    expect(parseImage('registry.example/kept')).to.deep.equal(kept);
    expect(parseImage('registry.example/kept') === kept).to.equal(false);
  });

  it('does not keep names that no image can have', () => {
    const longest = `registry.example/${'a'.repeat(CACHED_IMAGE_MAX - 17)}`;
    expect(parseImage(longest)).to.equal(parseImage(longest));
    expect(parseImage(`${longest}a`)).to.deep.equal(parseImage(`${longest}a`));
    expect(parseImage(`${longest}a`)).to.not.equal(parseImage(`${longest}a`));
  });
});
