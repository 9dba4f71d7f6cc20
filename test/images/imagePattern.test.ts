import { expect } from 'chai';
import { matchesImage, parseImagePattern } from '../../src/images/imagePattern.js';
import { parseImage } from '../../src/images/imageReference.js';

const DIGEST = `sha256:${'a'.repeat(64)}`;

describe('image patterns', () => {
  const cases: [pattern: string, image: string, matches: boolean][] = [
    ['nginx', 'nginx', true],
    ['nginx', 'docker.io/library/nginx:1.27', true],
    ['nginx', `index.docker.io/nginx@${DIGEST}`, true],
    ['nginx', 'bitnami/nginx', false],
    ['nginx', 'registry.example/library/nginx', false],
    ['docker.io/library/nginx', 'nginx', true],
    ['localhost:5000/web', 'localhost:5000/web:2', true],
    ['localhost:5000/web', 'localhost/web', false],
    // Tags
    ['nginx:1.27', 'nginx:1.27', true],
    ['nginx:1.27', 'nginx:1.270', false],
    ['nginx:1.*', 'nginx:1.27', true],
    ['nginx:1.*', 'nginx:2', false],
    ['nginx:1.*', 'nginx', false],
    ['nginx:latest', 'nginx', true],
    ['nginx:latest', `nginx@${DIGEST}`, false],
    ['nginx:*', 'nginx', true],
    ['nginx:?', 'nginx:1', true],
    ['registry.example/invoice:*', 'registry.example/invoice:7', true],
    ['registry.example/invoice:*', 'registry.example/invoices:7', false],
    // Digests
    [`nginx@${DIGEST}`, `nginx@${DIGEST}`, true],
    [`nginx@${DIGEST}`, `nginx:1.27@${DIGEST}`, true],
    [`nginx@${DIGEST}`, 'nginx:1.27', false],
    ['nginx@sha256:a*', `nginx@${DIGEST}`, true],
    ['nginx@sha256:b*', `nginx@${DIGEST}`, false],
    [`nginx:1.27@${DIGEST}`, `nginx@${DIGEST}`, false],
    // Globs in the repository
    ['registry.example/*', 'registry.example/team/web:1', true],
    ['registry.example/*', 'other.example/team/web:1', false],
    ['registry.example/team/web-?', 'registry.example/team/web-1', true],
    ['*.example/web', 'registry.example/web', true],
    ['bitnami/*', 'docker.io/bitnami/nginx', true],
    ['web*', 'docker.io/library/web-1', true],
    ['web*', 'registry.example/web-1', false],
    ['docker.io/*', 'nginx', true],
    ['docker.io/*', 'bitnami/nginx', true],
    ['docker.io/*', 'ghcr.io/x/y', false],
    // A star at the start stands for the registry too
    ['*', 'nginx', true],
    ['*', 'localhost:5000/a/b:1', true],
    ['*:latest', 'registry.example/web', true],
    ['*:latest', 'registry.example/web:1', false],
    ['*/library/nginx', 'registry.example/mirror/library/nginx', true],
    ['*/library/nginx', 'bitnami/nginx', false],
    ['*openssh-server*', 'lscr.io/linuxserver/openssh-server:9', true],
  ];
  for (const [pattern, image, matches] of cases) {
    it(`${pattern} ${matches ? 'matches' : 'does not match'} ${image}`, () => {
      expect(matchesImage(parseImagePattern(pattern), parseImage(image))).to.equal(matches);
    });
  }

  it('is exact where the repository is named whole, whatever the tag', () => {
    const exact = ['nginx', 'nginx:1.*', 'localhost:5000/web@sha256:*'];
    expect(exact.map((pattern) => parseImagePattern(pattern).isExact)).to.deep.equal([true, true, true]);
    const globs = ['*', 'nginx*', '*/library/nginx', 'registry.example/*'];
    expect(globs.map((pattern) => parseImagePattern(pattern).isExact)).to.not.include(true);
  });
});
