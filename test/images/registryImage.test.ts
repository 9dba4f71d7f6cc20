import { expect } from 'chai';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { checkedReference } from '../../src/images/checkedReference.js';
import type { OpenOptions } from '../../src/images/openedImage.js';
import { parsePlatform } from '../../src/images/platform.js';
import { openRegistryImage } from '../../src/images/registry/registryImage.js';
import type { RegistryOptions } from '../../src/images/registry/registryClient.js';
import { authority, temporaryFolder } from '../system/support/certificates.js';
import { blobOf, buildImage, DOCKER_TYPES, indexOf, refer, TYPES } from './support/imageArchive.js';
import { file } from './support/tar.js';
import { TestRegistry } from './support/testRegistry.js';

const IMAGE = buildImage({ config: { User: '101:101' }, layers: [[file('etc/passwd', 'one')], [file('a')]] });
/** Without a home of its own, so that no credentials of this machine are sent anywhere. */
const EMPTY = { DOCKER_CONFIG: temporaryFolder() };

async function read(image: string, options: OpenOptions & RegistryOptions = {}): Promise<string[]> {
  const opened = await openRegistryImage(checkedReference(image), { env: EMPTY, ...options });
  const layers = await opened.readLayers();
  return [opened.config.user, opened.digest, ...layers.flat().map(({ path }) => path)];
}

async function failure(image: string, options: OpenOptions & RegistryOptions = {}): Promise<string> {
  return read(image, options).then(
    (lines) => `none: ${lines.join(' ')}`,
    (error: unknown) => {
      expect(error).to.have.property('code', 'Image');
      return (error as Error).message;
    },
  );
}

const EXPECTED = ['101:101', IMAGE.manifest.digest, 'etc/passwd', 'a'];

describe('openRegistryImage', () => {
  let registry: TestRegistry;
  beforeEach(async () => {
    registry = await TestRegistry.start();
    registry.push('shop/web', IMAGE, '1.2');
  });
  afterEach(() => registry.stop());
  const web = (version = ':1.2'): string => `${registry.host}/shop/web${version}`;

  it('reads configuration and layers by tag, and by digest', async () => {
    expect(await read(web())).to.deep.equal(EXPECTED);
    expect(await read(web(`@${IMAGE.manifest.digest}`))).to.deep.equal(EXPECTED);
  });

  it('fetches no layer before it is asked for', async () => {
    await openRegistryImage(checkedReference(web()), { env: EMPTY });
    const blobs = registry.seen.map(({ url }) => url).filter((url) => url.includes('/blobs/'));
    expect(blobs).to.deep.equal([`/v2/shop/web/blobs/${IMAGE.config.digest}`]);
  });

  it("reads Docker's own media types, and layers that are not compressed", async () => {
    registry.push('shop/old', buildImage({ config: { User: '7' }, layers: [[file('b')]] }, DOCKER_TYPES));
    registry.push(
      'shop/plain',
      buildImage({ config: { User: '8' }, layers: [[file('c')]], compression: 'none' }),
    );
    expect((await read(`${registry.host}/shop/old`)).at(-1)).to.equal('b');
    expect((await read(`${registry.host}/shop/plain`)).at(-1)).to.equal('c');
  });

  for (const types of [TYPES, DOCKER_TYPES]) {
    it(`chooses the platform from an index (${types.index})`, async () => {
      const images = ['amd64', 'arm64'].map((architecture) =>
        buildImage({ config: { User: architecture }, architecture }, types),
      );
      for (const image of images) registry.push('shop/multi', image, image.platform.architecture);
      registry.manifest('shop/multi', indexOf(images, types), '1');
      const read1 = (platform: string): Promise<string[]> =>
        read(`${registry.host}/shop/multi:1`, { platform: parsePlatform(platform) });
      expect((await read1('linux/arm64'))[0]).to.equal('arm64');
      expect((await read1('linux/amd64'))[0]).to.equal('amd64');
      expect((await read1('linux/arm64/v8'))[0]).to.equal('arm64');
      expect(
        await failure(`${registry.host}/shop/multi:1`, { platform: parsePlatform('linux/s390x') }),
      ).to.match(/has no image for linux\/s390x; it has linux\/amd64, linux\/arm64: choose with --platform$/);
    });
  }

  it('asks a mirror in the place of a registry, under its path', async () => {
    registry.push('hub/library/nginx', IMAGE);
    const mirrors = new Map([['docker.io', `${registry.host}/hub`]]);
    expect(await read('nginx', { mirrors })).to.deep.equal(EXPECTED);
  });

  describe('over TLS', () => {
    let secure: TestRegistry;
    beforeEach(async () => {
      secure = await TestRegistry.start({ tls: true });
      secure.push('shop/web', IMAGE);
    });
    afterEach(() => secure.stop());

    it('trusts the certificates that it is given, or every one of a host that is named', async () => {
      expect(await read(`${secure.host}/shop/web`, { ca: [authority.cert] })).to.deep.equal(EXPECTED);
      expect(await read(`${secure.host}/shop/web`, { insecure: new Set([secure.host]) })).to.deep.equal(
        EXPECTED,
      );
    });
    it('refuses another one', async () => {
      expect(await failure(`${secure.host}/shop/web`)).to.match(
        /^127\.0\.0\.1:\d+ cannot be asked: its certificate is not trusted \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\): give its CA with --certificate-authority, or --insecure 127/,
      );
    });
    it('follows no redirect to plain HTTP elsewhere', async () => {
      secure.redirect(`/v2/shop/web/blobs/${IMAGE.config.digest}`, 'http://cdn.example/blob');
      expect(await failure(`${secure.host}/shop/web`, { ca: [authority.cert] })).to.match(
        /redirects .* to plain HTTP on cdn\.example, which is not followed$/,
      );
    });
  });

  describe('with credentials', () => {
    const BASIC = `Basic ${Buffer.from('ann:secret').toString('base64')}`;
    const demand = (header: string, wanted: string): void => {
      registry.intercept = ({ url, headers }, response) => {
        if (!url?.startsWith('/v2/') || headers.authorization === wanted) return false;
        response.writeHead(401, { 'www-authenticate': header }).end();
        return true;
      };
    };
    const config = (content: object): NodeJS.ProcessEnv => {
      const folder = temporaryFolder();
      writeFileSync(join(folder, 'config.json'), JSON.stringify(content));
      return { ...process.env, DOCKER_CONFIG: folder };
    };
    const login = (): NodeJS.ProcessEnv =>
      config({ auths: { [registry.host]: { auth: Buffer.from('ann:secret').toString('base64') } } });

    it('answers Basic', async () => {
      demand('Basic realm="x"', BASIC);
      expect(await read(web(), { env: login() })).to.deep.equal(EXPECTED);
    });

    it('fetches a token, with the credentials or without', async () => {
      demand(
        `Bearer realm="http://${registry.host}/token",service="me",scope="repository:shop/web:pull"`,
        'Bearer t0k',
      );
      registry.serve('/token', '{"token":"t0k"}');
      expect(await read(web(), { env: login() })).to.deep.equal(EXPECTED);
      expect(await read(web())).to.deep.equal(EXPECTED);
      const asked = registry.seen.filter(({ url }) => url.startsWith('/token'));
      expect(asked).to.deep.equal([
        { url: '/token?service=me&scope=repository%3Ashop%2Fweb%3Apull', authorization: BASIC },
        { url: '/token?service=me&scope=repository%3Ashop%2Fweb%3Apull', authorization: undefined },
      ]);
    });

    it('exchanges an identity token', async () => {
      demand(`Bearer realm="http://${registry.host}/token",service="me"`, 'Bearer t0k');
      let form = '';
      registry.answer('/token', (request, response) => {
        request.on('data', (chunk) => (form += String(chunk)));
        request.on('end', () => response.end('{"access_token":"t0k"}'));
      });
      const env = config({
        auths: { [`https://${registry.host}/v2/`]: { auth: 'YW5uOg==', identitytoken: 'id' } },
      });
      expect(await read(web(), { env })).to.deep.equal(EXPECTED);
      expect(form).to.equal(
        'service=me&scope=repository%3Ashop%2Fweb%3Apull&grant_type=refresh_token&client_id=kube-harden&refresh_token=id',
      );
    });

    it('asks a credential helper, and goes on without where it has none', async () => {
      demand('Basic realm="x"', BASIC);
      const bin = temporaryFolder();
      mkdirSync(bin, { recursive: true });
      const helper = join(bin, 'docker-credential-test');
      writeFileSync(
        helper,
        `#!/bin/sh\n[ "$1 $(cat)" = "get ${registry.host}" ] && echo '{"Username":"ann","Secret":"secret"}'\n`,
      );
      const none = join(bin, 'docker-credential-none');
      writeFileSync(none, '#!/bin/sh\necho credentials not found in native keychain\nexit 1\n');
      for (const path of [helper, none]) chmodSync(path, 0o755);
      const PATH = `${bin}:${process.env['PATH'] ?? ''}`;
      const own = { ...config({ credsStore: 'none', credHelpers: { [registry.host]: 'test' } }), PATH };
      expect(await read(web(), { env: own })).to.deep.equal(EXPECTED);
      expect(await failure(web(), { env: { ...config({ credsStore: 'none' }), PATH } })).to.match(
        /docker login/,
      );
      expect(await failure(web(), { env: { ...config({ credsStore: 'gone' }), PATH } })).to.match(
        /^docker-credential-gone gives no credentials for 127\.0\.0\.1:\d+: it is not on PATH$/,
      );
      expect(await failure(web(), { env: { ...config({ credsStore: '../evil' }), PATH } })).to.equal(
        `docker's configuration names a credential helper "../evil"`,
      );
    });

    it('never sends them to where a blob is redirected', async () => {
      const store = await TestRegistry.start();
      try {
        demand('Basic realm="x"', BASIC);
        for (const { digest, bytes } of [IMAGE.config, ...IMAGE.layers]) {
          registry.redirect(`/v2/shop/web/blobs/${digest}`, `http://${store.host}/${digest}?signed=1`);
          store.serve(`/${digest}`, bytes);
        }
        expect(await read(web(), { env: login() })).to.deep.equal(EXPECTED);
        expect(store.seen).to.have.length(3);
        expect(store.seen.every(({ authorization }) => authorization === undefined)).to.equal(true);
      } finally {
        store.stop();
      }
    });

    it('never sends them where the store of a blob asks for them', async () => {
      const store = await TestRegistry.start();
      try {
        demand('Basic realm="x"', BASIC);
        const path = `/${IMAGE.config.digest}`;
        registry.redirect(`/v2/shop/web/blobs${path}`, `http://${store.host}${path}`);
        const challenge = `Bearer realm="http://${store.host}/token"`;
        store.answer(path, (_, response) => response.writeHead(401, { 'www-authenticate': challenge }).end());
        store.serve('/token', '{"token":"t0k"}');
        expect(await failure(web(), { env: login() })).to.match(
          /^127\.0\.0\.1:\d+, where 127\.0\.0\.1:\d+ redirects .*, answers 401$/,
        );
        expect(store.seen.map(({ url, authorization }) => [url, authorization])).to.deep.equal([
          [path, undefined],
        ]);
      } finally {
        store.stop();
      }
    });

    it('says what is wrong, and shows nothing of the file', async () => {
      demand('Basic realm="x"', 'nobody');
      expect(await failure(web())).to.match(
        /answers 401 for .*: there is no such image, or it asks for credentials \(docker login 127/,
      );
      expect(await failure(web(), { env: login() })).to.match(
        /the credentials of .*config\.json are not enough, or there is no such image$/,
      );
      const folder = temporaryFolder();
      writeFileSync(join(folder, 'config.json'), '{"auths": secret');
      expect(await failure(web(), { env: { DOCKER_CONFIG: folder } })).to.equal(
        `${folder}/config.json is not a JSON object`,
      );
    });

    it('asks twice and no more where the answer is always 401', async () => {
      demand(`Bearer realm="http://${registry.host}/token"`, 'nobody');
      registry.serve('/token', '{"token":"t0k"}');
      expect(await failure(web())).to.match(/answers 401/);
      expect(registry.seen.filter(({ url }) => url.includes('/manifests/'))).to.have.length(2);
    });

    for (const [title, header, message] of [
      ['no challenge', '', /does not say how to log in$/],
      [
        'a token server in plain HTTP elsewhere',
        'Bearer realm="http://evil.example/token"',
        /wants a token from "http:\/\/evil\.example\/token", which is not HTTPS$/,
      ],
      ['a token server that is no URL', 'Bearer realm="file:///etc/passwd"', /which is not HTTPS$/],
      [
        'a token server that has none',
        `Bearer realm="/none"`,
        /answers 404 where a token for .* is asked for$/,
      ],
      ['a token of two lines', `Bearer realm="/two"`, /gives no token for /],
    ] as const) {
      it(`refuses ${title}`, async () => {
        demand(header, 'nobody');
        registry.serve('/two', JSON.stringify({ token: 'a\r\nx: y' }));
        expect(await failure(web())).to.match(message);
      });
    }
  });

  describe('refuses', () => {
    const manifestPath = '/v2/shop/web/manifests/1.2';
    const config = `/v2/shop/web/blobs/${IMAGE.config.digest}`;
    const layer = IMAGE.layers[0] ?? IMAGE.config;
    const layerPath = `/v2/shop/web/blobs/${layer.digest}`;
    const serve = (document: object) => (): void => registry.serve(manifestPath, JSON.stringify(document));
    const deep = indexOf([IMAGE]);

    for (const [title, prepare, message] of [
      [
        'what is not there',
        () =>
          registry.serve(
            manifestPath,
            '{"errors":[{"message":"manifest\\nunknown"}]}',
            'application/json',
            404,
          ),
        /^there is no .*\/shop\/web:1\.2 on 127.*: manifest\?unknown$/,
      ],
      [
        'too many requests',
        () => registry.serve(manifestPath, '', 'text/plain', 429),
        /answers 429, too many requests: log in/,
      ],
      ['an error', () => registry.serve(manifestPath, 'oops', 'text/plain', 500), /answers 500 for /],
      ['a page of HTML', () => registry.serve(manifestPath, '<html>'), /is not JSON$/],
      [
        'redirects without end',
        () => registry.redirect(manifestPath, manifestPath),
        /redirects .* more than 5 times$/,
      ],
      ['a redirect to nowhere', () => registry.redirect(manifestPath, 'http://'), /redirects .* to nowhere$/],
      [
        'a manifest larger than any',
        () => registry.serve(manifestPath, Buffer.alloc(5 * 2 ** 20, ' ')),
        /has more than 4194304 bytes, which no real one has$/,
      ],
      ['the old format', serve({ schemaVersion: 1 }), /is of the old format "schema 1": push it anew/],
      [
        'a chart',
        serve({
          config: {
            mediaType: 'application/vnd.cncf.helm.config.v1+json',
            digest: IMAGE.config.digest,
            size: 1,
          },
          layers: [],
        }),
        /is no container image: its configuration is a "application\/vnd\.cncf\.helm\.config\.v1\+json"$/,
      ],
      ['what is no manifest', serve({}), /is neither an image manifest nor an index$/],
      [
        'a digest that is none',
        serve({ config: { digest: 'sha256:../../x', size: 1 }, layers: [] }),
        /names something by no digest: "sha256:\.\.\/\.\.\/x"$/,
      ],
      [
        'an index in an index',
        () => {
          registry.manifest('shop/web', deep);
          serve({ manifests: [{ ...refer(deep), platform: { os: 'linux', architecture: 'amd64' } }] })();
        },
        /has an index in its index: give the digest of one image$/,
      ],
      ['an index without images', serve({ manifests: [] }), /it has none at all: choose with --platform$/],
      [
        'a configuration with another digest',
        () => registry.serve(config, Buffer.alloc(IMAGE.config.size, ' ')),
        /is not what its digest says: it has sha256:/,
      ],
      ['a configuration that is cut off', () => registry.serve(config, '{'), /is cut off: 1 of \d+ bytes$/],
      [
        'an image of Windows',
        () => registry.push('shop/web', buildImage({ os: 'windows' }), '1.2'),
        /is for "windows": image profiles are for Linux only$/,
      ],
      [
        'a layer that goes on and on',
        () => registry.serve(layerPath, Buffer.concat([layer.bytes, Buffer.alloc(99)])),
        /^layer sha256:\w+ is longer than the \d+ bytes that its manifest says$/,
      ],
      [
        'a layer with another digest',
        () => registry.serve(layerPath, corrupted(layer.bytes)),
        /^layer sha256:\w+ is (damaged: it does not decompress|not what its digest says)/,
      ],
      [
        'a layer that is gone',
        () => registry.serve(layerPath, '{}', 'application/json', 404),
        /^there is no .*@sha256:/,
      ],
      [
        'a connection that breaks',
        () =>
          registry.answer(layerPath, (_request, response) => {
            response.writeHead(200, { 'content-length': layer.size });
            response.write(layer.bytes.subarray(0, 20), () => response.destroy());
          }),
        /is cut off: the connection broke/,
      ],
      [
        'a layer that is encrypted',
        () => {
          const encrypted = { ...refer(layer), mediaType: `${TYPES.layer}+gzip+encrypted` };
          registry.manifest(
            'shop/web',
            blobOf(TYPES.manifest, { config: refer(IMAGE.config), layers: [encrypted] }),
            '1.2',
          );
        },
        /is encrypted: use --config-only$/,
      ],
    ] as const) {
      it(title, async () => {
        prepare();
        expect(await failure(web(), { platform: parsePlatform('linux/amd64') })).to.match(message);
      });
    }

    it('another platform than the only one', async () => {
      expect(await failure(web(), { platform: parsePlatform('linux/arm64') })).to.match(
        /is for linux\/amd64 only, not for linux\/arm64$/,
      );
    });
    it('a host that does not answer, and one that is none', async () => {
      expect(await failure('127.0.0.1:1/shop/web')).to.match(
        /^127\.0\.0\.1:1 cannot be asked: connect ECONNREFUSED/,
      );
      expect(await failure('nobody.invalid/shop/web')).to.match(
        /^nobody\.invalid cannot be asked: there is no such host/,
      );
    });
    it('a server of another protocol', async () => {
      const other = createServer((socket) => socket.end('SSH-2.0-OpenSSH\r\n'));
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
      const { port } = other.address() as AddressInfo;
      expect(await failure(`127.0.0.1:${port}/shop/web`)).to.match(
        /cannot be asked: it does not speak TLS \(.*\): if plain HTTP is meant, --insecure 127/,
      );
      other.close();
    });
    for (const name of [
      'UPPER/case',
      'a b',
      'registry.example/a:',
      'registry.example/a@sha256:12',
      'registry.example/../x',
      'registry.example/a:b/c',
      '',
    ]) {
      it(`the name ${JSON.stringify(name)}`, async () => {
        expect(await failure(name)).to.match(/is no image such as registry\.example\/shop\/web:1\.2$/);
      });
    }
  });
});

/** One byte of the packed content changed. */
function corrupted(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[copy.length - 10] = (copy[copy.length - 10] ?? 0) ^ 0xff;
  return copy;
}
