import { expect } from 'chai';
import fc from 'fast-check';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parsePlatform } from '../../src/images/platform.js';
import { openTarImage, type TarOptions } from '../../src/images/tarImage.js';
import { temporaryFolder } from '../system/support/certificates.js';
import {
  blobOf,
  blobPath,
  buildImage,
  dockerSaveTar,
  indexOf,
  layoutTar,
  refer,
  TYPES,
} from './support/imageArchive.js';
import { file, tarOf } from './support/tar.js';

const IMAGE = buildImage({ config: { User: '101' }, layers: [[file('one')], [file('two')], [file('one')]] });
const folder = temporaryFolder();
let count = 0;

function written(bytes: Buffer): string {
  const path = join(folder, `${String((count += 1))}.tar`);
  writeFileSync(path, bytes);
  return path;
}

async function read(bytes: Buffer, options: TarOptions = {}): Promise<string[]> {
  const opened = await openTarImage(written(bytes), options);
  const layers = await opened.readLayers();
  const { repository, tag = '' } = opened.reference;
  return [`${repository}:${tag}`, opened.config.user, ...layers.flat().map(({ path }) => path)];
}

async function failure(bytes: Buffer, options: TarOptions = {}): Promise<string> {
  return read(bytes, options).then(
    (lines) => `none: ${lines.join(' ')}`,
    (error: unknown) => {
      expect(error).to.have.property('code', 'Image');
      return (error as Error).message.replaceAll(/\/\S*\/\d+\.tar/g, 'image.tar');
    },
  );
}

const EXPECTED = ['registry.example/shop/web:1.2', '101', 'one', 'two', 'one'];

describe('openTarImage', () => {
  for (const [title, bytes] of [
    ['an OCI image layout', layoutTar(IMAGE)],
    ['one whose archive is gzipped', gzipSync(layoutTar(IMAGE))],
    ['what docker save writes', dockerSaveTar(IMAGE)],
    ['the same, gzipped', gzipSync(dockerSaveTar(IMAGE))],
  ] as const) {
    it(`reads ${title}`, async () => expect(await read(bytes)).to.deep.equal(EXPECTED));
  }

  it('reads one that names its image by the name of the specification, and is called as one likes', async () => {
    const manifests = [
      { ...refer(IMAGE.manifest), annotations: { 'org.opencontainers.image.ref.name': 'shop/web:3' } },
    ];
    expect((await read(layoutTar(IMAGE, { manifests })))[0]).to.equal('docker.io/shop/web:3');
    expect((await read(layoutTar(IMAGE, { manifests }), { name: 'r.example/x:9' }))[0]).to.equal(
      'r.example/x:9',
    );
  });

  const [amd64, arm64] = ['amd64', 'arm64'].map((architecture) =>
    buildImage({ config: { User: architecture }, architecture }),
  ) as [typeof IMAGE, typeof IMAGE];
  const both = [amd64, arm64].flatMap(({ manifest, config, layers }) => [manifest, config, ...layers]);
  const attestation = { ...refer(amd64.manifest), platform: { os: 'unknown', architecture: 'unknown' } };
  it('chooses the platform, from its list or an index that this names', async () => {
    const index = indexOf([amd64, arm64]);
    const options = { name: 'r.example/x', platform: parsePlatform('linux/arm64') };
    const listed = [amd64, arm64].map(({ manifest, platform }) => ({ ...refer(manifest), platform }));
    expect(
      (await read(layoutTar(amd64, { manifests: [attestation, ...listed], blobs: both }), options))[1],
    ).to.equal('arm64');
    const nested = layoutTar(amd64, { manifests: [refer(index)], blobs: [index, ...both] });
    expect((await read(nested, options))[1]).to.equal('arm64');
    expect(await failure(nested, { ...options, platform: parsePlatform('linux/arm/v6') })).to.equal(
      'image.tar has no image for linux/arm/v6; it has linux/amd64, linux/arm64: choose with --platform',
    );
    expect(await failure(layoutTar(amd64), { platform: parsePlatform('linux/arm64') })).to.match(
      /is for linux\/amd64 only/,
    );
  });

  it('chooses one of several images by its name', async () => {
    const named = (image: typeof IMAGE, name: string): object => ({
      ...refer(image.manifest),
      annotations: { 'io.containerd.image.name': name },
    });
    const manifests = [named(amd64, 'docker.io/library/a:1'), named(arm64, 'docker.io/library/b:1')];
    const bytes = layoutTar(amd64, { manifests, blobs: both });
    expect((await read(bytes, { name: 'b:1' })).slice(0, 2)).to.deep.equal([
      'docker.io/library/b:1',
      'arm64',
    ]);
    expect(await failure(bytes)).to.equal(
      'image.tar holds 2 images (docker.io/library/a:1, docker.io/library/b:1): choose with --name',
    );
    expect(await failure(bytes, { name: 'c' })).to.equal(
      'image.tar holds no c, but docker.io/library/a:1, docker.io/library/b:1',
    );
  });

  const deep = indexOf([IMAGE]);
  const deeper = blobOf(TYPES.index, {
    manifests: [{ ...refer(deep), platform: { os: 'linux', architecture: 'amd64' } }],
  });
  const [layer = IMAGE.config] = IMAGE.layers;
  const forged = { ...layer, bytes: gzipSync(tarOf([file('forged')])) };
  const config = IMAGE.config.digest.slice('sha256:'.length);
  const saved = (document: unknown, ...files: Parameters<typeof file>[]): Buffer =>
    tarOf([file('manifest.json', JSON.stringify(document)), ...files.map((given) => file(...given))]);
  for (const [title, bytes, message, options] of [
    ['a text', Buffer.from('hello\n'), 'image.tar is not a tar archive'],
    ['nothing', Buffer.alloc(0), 'image.tar is not a tar archive'],
    ['a text that is gzipped', gzipSync('hello\n'.repeat(200)), 'image.tar is not a tar archive'],
    ['a gzip that is cut off', gzipSync(layoutTar(IMAGE)).subarray(0, 200), 'image.tar is cut off'],
    [
      'a gzip that is damaged',
      Buffer.from('1f8b0800000000000003ffffffffffffffff', 'hex'),
      'image.tar is damaged: it does not decompress',
    ],
    ['a tar that is cut off', layoutTar(IMAGE).subarray(0, 2100), 'image.tar is cut off'],
    [
      'another tar',
      tarOf([file('README')]),
      'image.tar is a tar, but no image: it has neither index.json (OCI image layout) nor manifest.json (docker save)',
    ],
    [
      'an image without a name',
      layoutTar(IMAGE, { name: '' }),
      'image.tar does not say what its image is called: give the name that pods use with --name',
    ],
    [
      'a saved image without a name',
      dockerSaveTar(IMAGE, { tags: null }),
      'image.tar does not say what its image is called: give the name that pods use with --name',
    ],
    ['an index without images', layoutTar(IMAGE, { manifests: [] }), 'image.tar holds no image'],
    [
      'an index in an index in an index',
      layoutTar(IMAGE, { manifests: [refer(deeper)], blobs: [deeper, deep] }),
      'image.tar has an index in its index: give the digest of one image',
      { name: 'x' },
    ],
    [
      'an image without its manifest',
      layoutTar(IMAGE, { blobs: [] }),
      `image.tar does not hold ${IMAGE.manifest.digest}, which it refers to: was it written for all platforms?`,
    ],
    [
      'an image without a layer',
      layoutTar(IMAGE, { blobs: [IMAGE.manifest, IMAGE.config] }),
      `image.tar does not hold its layer ${layer.digest}`,
    ],
    [
      'a layer of another digest',
      layoutTar(IMAGE, { blobs: [IMAGE.manifest, IMAGE.config, forged] }),
      new RegExp(`^layer ${layer.digest} is (longer|cut off|not what)`),
    ],
    [
      'a manifest of another digest',
      tarOf([
        file('index.json', JSON.stringify({ manifests: [refer(IMAGE.manifest)] })),
        file(blobPath(IMAGE.manifest.digest), `{${' '.repeat(IMAGE.manifest.size - 2)}}`),
      ]),
      /^a manifest of image\.tar is not what its digest says/,
      { name: 'x' },
    ],
    ['a manifest.json that is none', saved({}), 'manifest.json of image.tar is no list of images'],
    [
      'a manifest.json with nothing in it',
      saved([{}]),
      'manifest.json of image.tar has an image without Config and Layers',
    ],
    [
      'a saved image without its configuration',
      saved([{ Config: 'x.json', Layers: [] }]),
      'image.tar does not hold the configuration that its manifest.json names',
      { name: 'x' },
    ],
    [
      'a configuration without a digest in its name',
      saved([{ Config: 'x.json', Layers: [] }], ['x.json', '{}']),
      'the configuration of image.tar is not named by its digest: "x.json"',
      { name: 'x' },
    ],
    [
      'a configuration of another digest',
      saved([{ Config: `${config}.json`, Layers: [] }], [`${config}.json`, '{}']),
      /^the configuration of image\.tar is not what its digest says/,
      { name: 'x' },
    ],
    [
      'a configuration with other layers',
      saved([{ Config: `${config}.json`, Layers: ['a'] }], [`${config}.json`, IMAGE.config.bytes]),
      'the configuration of image.tar does not name the digests of its 1 layers',
      { name: 'x' },
    ],
    [
      'saved layers of another digest',
      saved(
        [{ Config: `${config}.json`, Layers: ['a', 'b', 'c'] }],
        [`${config}.json`, IMAGE.config.bytes],
        ['a', tarOf([file('forged')])],
      ),
      /^layer sha256:\w+ is not what its digest says/,
      { name: 'x' },
    ],
  ] as [string, Buffer, string | RegExp, TarOptions?][]) {
    it(`refuses ${title}`, async () => {
      const said = await failure(bytes, options);
      if (typeof message === 'string') expect(said).to.equal(message);
      else expect(said).to.match(message);
    });
  }

  it('ends in an image or an ImageError, whatever bytes are changed', async () => {
    const archives = [layoutTar(IMAGE), dockerSaveTar(IMAGE), gzipSync(layoutTar(IMAGE))];
    const change = fc.record({ at: fc.nat(), to: fc.nat(255), cut: fc.option(fc.nat()) });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...archives),
        fc.array(change, { minLength: 1, maxLength: 4 }),
        async (bytes, changes) => {
          let changed = Buffer.from(bytes);
          for (const { at, to, cut } of changes) {
            changed[at % changed.length] = to;
            if (cut !== null) changed = changed.subarray(0, 1 + (cut % changed.length));
          }
          await failure(changed, { name: 'x' });
        },
      ),
      { numRuns: 300 },
    );
  });

  it('says which Node.js reads zstd, or reads it', async () => {
    const zstd = blobOf(`${TYPES.layer}+zstd`, Buffer.from('28b52ffd0458', 'hex'));
    const manifest = blobOf(TYPES.manifest, { config: refer(IMAGE.config), layers: [refer(zstd)] });
    const bytes = layoutTar({ ...IMAGE, manifest }, { blobs: [manifest, IMAGE.config, zstd] });
    expect(await failure(bytes)).to.match(
      /use Node\.js 22\.15 or later, or --config-only$|is cut off$|does not decompress$/,
    );
  });
});
