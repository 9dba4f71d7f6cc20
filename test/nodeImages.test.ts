import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { archivePath } from './e2e/node/images/imageArchive.js';
import { layoutFiles } from './e2e/node/images/ociLayout.js';
import type { ImageRecipe } from './e2e/node/images/recipe.js';
import { PROGRAMS } from './e2e/node/programs/index.js';

const FOLDER = join(import.meta.dirname, 'e2e', 'node', 'programs');

const RECIPE: ImageRecipe = {
  name: 'docker.io/library/nginx:1.22',
  versionOf: 'nginx',
  cites: ['a line'],
  packages: ['nginx'],
  config: {
    User: '101',
    Env: { LANG: 'C.UTF-8' },
    ExposedPorts: ['80/tcp'],
    Volumes: ['/data'],
    Cmd: ['nginx'],
  },
};

const LAYER = { digest: `sha256:${'1'.repeat(64)}`, size: 12, diffId: `sha256:${'2'.repeat(64)}` };

describe('the images of the node tests', () => {
  it('have another place in the cache with any line that is built, and the same with other citations', () => {
    const place = archivePath(RECIPE, '/cache');

    expect(place).to.match(/^\/cache\/images\/nginx-1\.22-[0-9a-f]{12}\.tar$/);
    expect(archivePath({ ...RECIPE, steps: 'true' }, '/cache')).not.to.equal(place);
    expect(archivePath({ ...RECIPE, cites: [] }, '/cache')).to.equal(place);
  });

  it('are OCI image layouts whose every file is found by its digest', () => {
    const files = new Map(layoutFiles(RECIPE, '1.22.1', [LAYER]).map(({ path, content }) => [path, content]));
    const json = (path: string): Record<string, unknown> => JSON.parse(files.get(path) ?? '') as never;
    const blob = (descriptor: unknown): Record<string, unknown> => {
      const { digest, size } = descriptor as { digest: string; size: number };
      const content = files.get(`blobs/${digest.replace(':', '/')}`) ?? '';
      expect(`sha256:${createHash('sha256').update(content).digest('hex')}`).to.equal(digest);
      expect(Buffer.byteLength(content)).to.equal(size);
      return JSON.parse(content) as never;
    };

    expect(json('oci-layout')).to.deep.equal({ imageLayoutVersion: '1.0.0' });
    const [named] = json('index.json')['manifests'] as { annotations: object }[];
    expect(named?.annotations).to.deep.equal({
      'io.containerd.image.name': 'docker.io/library/nginx:1.22',
      'org.opencontainers.image.ref.name': '1.22',
    });
    const manifest = blob(named);
    expect(manifest['layers']).to.deep.equal([
      { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: LAYER.digest, size: 12 },
    ]);
    const image = blob(manifest['config']);
    expect(image['rootfs']).to.deep.equal({ type: 'layers', diff_ids: [LAYER.diffId] });
    expect(image['config']).to.deep.equal({
      User: '101',
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'LANG=C.UTF-8'],
      ExposedPorts: { '80/tcp': {} },
      Volumes: { '/data': {} },
      Cmd: ['nginx'],
      Labels: { 'org.opencontainers.image.version': '1.22.1' },
    });
  });
});

describe('the programs of the node tests', () => {
  it('each have an id of their own, that of a constant in their file', () => {
    const ids = PROGRAMS.map(({ id }) => id);

    expect(new Set(ids).size).to.equal(ids.length);
    for (const id of ids.filter((one) => one !== 'redisCache')) {
      expect(existsSync(join(FOLDER, `${id}.ts`)), id).to.equal(true);
    }
  });

  it('are all that there are files of', () => {
    const shared = ['httpValue', 'index', 'program', 'pythonServer', 'serverPod'];
    const files = readdirSync(FOLDER).map((name) => name.replace(/\.ts$/, ''));

    expect(files.filter((name) => !shared.includes(name))).to.have.members(
      PROGRAMS.map(({ id }) => id).filter((id) => id !== 'redisCache'),
    );
  });

  for (const { id, image, pod, profile } of PROGRAMS) {
    it(`${id}: is run as its users run it, with nothing of security`, () => {
      const [container, ...others] = pod(image.name).containers;

      expect(others).to.have.length(0);
      expect(container?.image).to.equal(image.name);
      expect(container?.imagePullPolicy).to.equal('Never');
      expect(JSON.stringify(pod(image.name))).not.to.include('ecurityContext');
    });

    it(`${id}: cites the lines that it reproduces, or has a profile of its own`, () => {
      if (profile !== undefined) {
        expect(profile.images).to.deep.equal([image.name.replace(/:[^:]*$/, '')]);
        return;
      }
      expect(image.cites).not.to.have.length(0);
      for (const line of image.cites) expect(line).to.match(/^[\w.-]+\/[\w.-]+\/[\w./-]+@[0-9a-f]{40}: ./);
    });
  }
});
