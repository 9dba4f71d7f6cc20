import { expect } from 'chai';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { PROGRAMS } from '../e2e/node/programs/index.js';

const SRC = join(import.meta.dirname, '..', '..', 'src');

/** Kubernetes' own words, too: a node, an image's registry, the sandbox of a pod, what a package serves. */
const COMMON = new Set([
  'node',
  'registry',
  'sandbox',
  'server',
  'client',
  'headless',
  'standalone',
  'systemd',
  'bin',
]);

/** Of the programs that the real node runs: what they are called, what their images and Debian's packages are. */
const NAMES = [
  ...new Set(
    PROGRAMS.flatMap(({ id, image }) => [id, image.name.replace(/^.*\/|:.*$/g, ''), ...image.packages])
      .flatMap((name) => name.toLowerCase().split(/[^a-z]+/))
      .filter((word) => word.length > 2 && !COMMON.has(word)),
  ),
];

const FILES = [
  ...readdirSync(join(SRC, 'learn')).map((name) => join(SRC, 'learn', name)),
  ...readdirSync(join(SRC, 'cli'))
    .filter((name) => name.startsWith('learn'))
    .map((name) => join(SRC, 'cli', name)),
];

describe('the code of learn', () => {
  it('is looked at for the names of programs', () => {
    expect(NAMES).to.include.members([
      'nginx',
      'postgres',
      'redis',
      'mariadb',
      'rabbitmq',
      'tomcat',
      'sudo',
      'openjdk',
    ]);
    expect(FILES).to.have.length.above(10);
  });

  it('names no program: it sees what any of them does', () => {
    const found = FILES.flatMap((file) => {
      const words = new Set(
        readFileSync(file, 'utf8')
          .toLowerCase()
          .split(/[^a-z]+/),
      );
      return NAMES.filter((name) => words.has(name)).map((name) => `${file}: ${name}`);
    });
    expect(found).to.deep.equal([]);
  });
});
