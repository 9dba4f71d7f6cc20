import { expect } from 'chai';
import { existsSync } from 'node:fs';
import { imageCatalogue, profileOf } from '../../scripts/generated/imageCatalogue.js';
import { DEFAULT_CAPABILITIES } from '../../src/hardening/capabilityNames.js';
import { cleanPath, isAtOrBelow } from '../../src/hardening/volumes.js';
import { parseImagePattern } from '../../src/images/imagePattern.js';
import { ImageProfileIndex } from '../../src/images/imageProfiles.js';
import { BUILTIN_IMAGE_PROFILES } from '../../src/policy/builtin.generated.js';
import { loadImageCatalogue } from '../../src/policy/load.js';
import { PolicyError } from '../../src/policy/policyError.js';

const OFFICIAL = 'docker.io/library/';
const COPY_OF_OFFICIAL = 'public.ecr.aws/docker/library/';

const { imageProfiles, leftOut } = imageCatalogue();
const index = new ImageProfileIndex([], BUILTIN_IMAGE_PROFILES);

describe('the catalogue of image profiles', () => {
  for (const entry of imageProfiles) {
    const { images, verified, test, ports = [], writablePaths = [], dataPaths = [] } = entry;

    describe(images[0] ?? '', () => {
      it('names repositories whole, and official ones with their copy at public.ecr.aws', () => {
        expect(images.map((image) => parseImagePattern(image).isExact)).to.not.include(false);
        const official = images.filter((image) => image.startsWith(OFFICIAL));
        expect(images).to.include.members(official.map((image) => image.replace(OFFICIAL, COPY_OF_OFFICIAL)));
      });

      it('gives no root, no more than the default capabilities, and lifts no rule', () => {
        expect([entry.runAsUser, entry.runAsGroup]).to.not.include(0);
        const given = [...(entry.needs ?? []), ...(entry.startsAsRoot?.capabilities ?? [])];
        expect(DEFAULT_CAPABILITIES).to.include.members(given);
        if (entry.runAsGroup !== undefined) expect(entry.runAsGroup).to.not.equal(entry.runAsUser);
      });

      it('writes to folders of its own, and to none that holds data, the image or another of them', () => {
        for (const path of [...writablePaths, ...dataPaths]) {
          expect(path).to.equal(cleanPath(path));
          expect([
            '/bin',
            '/dev',
            '/etc',
            '/lib',
            '/proc',
            '/sbin',
            '/sys',
            '/tmp',
            '/usr',
            '/var',
          ]).to.not.include(path);
        }
        for (const path of writablePaths)
          for (const other of [...dataPaths, ...writablePaths])
            if (other !== path || dataPaths.includes(path))
              expect(isAtOrBelow(path, other) || isAtOrBelow(other, path), `${path} and ${other}`).to.equal(
                false,
              );
      });

      it('names only ports that need a sysctl', () => {
        for (const port of ports) expect(port).to.be.below(1024);
      });

      it(`is verified by ${verified}`, () => {
        if (test === undefined) return expect(verified).to.equal('source');
        const program = new URL(`../e2e/node/programs/${test}.ts`, import.meta.url);
        expect(existsSync(program), program.pathname).to.equal(true);
      });
    });
  }

  it('says of no repository and tag twice', () => {
    const patterns = [...imageProfiles, ...leftOut].flatMap(({ images }) =>
      images.map((image) => {
        const { repository, tag = '*', digest = '' } = parseImagePattern(image);
        return `${repository}:${tag}@${digest}`;
      }),
    );
    expect(patterns.filter((pattern, at) => patterns.indexOf(pattern) !== at)).to.deep.equal([]);
  });

  it('is in the program without where its figures come from', () => {
    expect(BUILTIN_IMAGE_PROFILES).to.deep.equal(imageProfiles.map(profileOf));
    const fields = BUILTIN_IMAGE_PROFILES.flatMap((profile) => Object.keys(profile));
    expect(fields.filter((field) => ['verified', 'test', 'note', 'sources'].includes(field))).to.deep.equal(
      [],
    );
  });
});

describe('the image that a name means', () => {
  const DIGEST = `sha256:${'a'.repeat(64)}`;
  const cases: [image: string, ids: string][] = [
    ['postgres:17', '999'],
    ['postgres:17-bookworm', '999'],
    ['postgres:17-alpine', '70'],
    ['postgres:alpine3.22', '70'],
    [`postgres:17-alpine@${DIGEST}`, '70'],
    [`postgres@${DIGEST}`, '999'],
    ['mirror.example/library/postgres:17-alpine', '70 mirror'],
    ['public.ecr.aws/docker/library/postgres:17-alpine', '70'],
    ['redis:8', '999'],
    ['redis:8-alpine', '999:1000'],
    ['mirror.example/hub/library/redis:alpine', '999:1000 mirror'],
    ['valkey/valkey:8', '999'],
    ['valkey/valkey:8-alpine', '999:1000'],
    ['httpd', '33'],
    ['httpd:2.4-alpine', '82'],
    ['nginx:1.29-alpine', '101'],
    ['memcached:alpine', '11211'],
    ['haproxy:lts-alpine', '99'],
    ['mariadb:11', '999'],
    ['mariadb:11-ubi', '999'],
    ['php:8-apache', '33'],
    ['php:8.4-apache-bookworm', '33'],
    ['php:8-fpm', '33'],
    ['php:8-fpm-alpine', '82'],
    ['php:8-cli', 'none'],
    ['wordpress', '33'],
    ['wordpress:6-php8.3-fpm', '33'],
    ['wordpress:6-php8.3-fpm-alpine', '82'],
    ['wordpress:cli', '82'],
    ['influxdb', '1000'],
    ['influxdb:2.7-alpine', '1000'],
    ['influxdb:1.8', 'none'],
    ['influxdb:3-core', 'none'],
    ['varnish', '1000'],
    ['varnish:8-alpine', 'any'],
    ['prom/prometheus:v3.5.0', '65534'],
    ['quay.io/prometheus/prometheus:v3.10.0-distroless', '65532'],
    ['rabbitmq:4-management-alpine', 'any'],
    ['caddy:2', 'any'],
    ['node:22-alpine', 'any'],
    ['nginxinc/nginx-unprivileged', '101'],
    // Another image of the same last name, and images that were left out on purpose.
    ['bitnami/nginx', 'none'],
    ['bitnami/postgresql:17', 'none'],
    ['bitnamilegacy/redis', 'none'],
    ['registry.example/nginx', 'none'],
    ['registry.example/prom/prometheus', 'none'],
    ['postgres-exporter', 'none'],
    ['busybox', 'none'],
    ...leftOut.flatMap(({ images }) => images.map((image): [string, string] => [image, 'none'])),
  ];
  for (const [image, expected] of cases) {
    it(`${image}: ${expected}`, () => {
      const match = index.lookup(image);
      if (!match) return expect('none').to.equal(expected);
      const { runAsUser, runAsGroup } = match.profile;
      const ids =
        runAsUser === undefined ? 'any' : [runAsUser, runAsGroup].filter((id) => id !== undefined).join(':');
      expect(match.exact ? ids : `${ids} mirror`).to.equal(expected);
    });
  }
});

describe('an entry of the catalogue', () => {
  const SOURCE = { repo: 'a/b', path: 'Dockerfile', ref: 'a'.repeat(40), says: 'USER 101' };
  const GOOD = { images: ['docker.io/a/b'], verified: 'source', sources: [SOURCE] };
  const cases: [what: string, entry: object, problem: RegExp][] = [
    ['that does not say how it was verified', { ...GOOD, verified: undefined }, /verified/],
    ['without a source', { ...GOOD, sources: [] }, /must name where the figures come from/],
    ['whose source is no repository', { ...GOOD, sources: [{ ...SOURCE, repo: 'b' }] }, /OWNER\/NAME/],
    [
      'whose source says nothing',
      { ...GOOD, sources: [{ ...SOURCE, says: '' }] },
      /must say what stands there/,
    ],
    ['whose source is of no commit', { ...GOOD, sources: [{ ...SOURCE, ref: 'v1' }] }, /must be a commit/],
    ['verified on a node by nothing', { ...GOOD, verified: 'node' }, /test/],
    ['verified from source by a test', { ...GOOD, test: 'nginx' }, /test/],
    ['with a field that nothing reads', { ...GOOD, user: 101 }, /user/],
    ['of root', { ...GOOD, runAsUser: 0 }, /0 is root/],
  ];
  const load = (entry: object): unknown =>
    loadImageCatalogue(JSON.stringify({ imageProfiles: [entry], leftOut: [] })).imageProfiles;

  it('loads', () => {
    expect(load(GOOD)).to.deep.equal([GOOD]);
  });
  for (const [what, entry, problem] of cases) {
    it(`${what} is refused`, () => {
      expect(() => load(entry)).to.throw(PolicyError, problem);
    });
  }
});
