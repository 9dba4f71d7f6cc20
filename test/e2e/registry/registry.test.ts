import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  buildImage,
  DOCKER_TYPES,
  indexOf,
  TYPES,
  type BuiltImage,
} from '../../images/support/imageArchive.js';
import { capability, capable, directory, file, program } from '../../images/support/tar.js';
import { authority, servingFiles, temporaryFolder } from '../../system/support/certificates.js';
import { pushImage, pushManifest } from './push.js';
import { RegistryServer } from './registryServer.js';
import { TokenServer } from './tokenServer.js';

/*
 * `kube-harden profile`, as it is built, against Debian's docker-registry: `make e2e-registry`.
 */

const MAIN = fileURLToPath(new URL('../../../dist/main.js', import.meta.url));

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Not synchronous, for the token server runs in this process. */
function profile(words: readonly string[], dockerConfig = temporaryFolder()): Promise<Ran> {
  const child = spawn(process.execPath, [MAIN, 'profile', ...words], {
    env: { ...process.env, DOCKER_CONFIG: dockerConfig },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (stderr += String(chunk)));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
}

async function refusal(words: readonly string[], dockerConfig?: string): Promise<string> {
  const { code, stdout, stderr } = await profile(words, dockerConfig);
  expect({ code, stdout, lines: stderr.split('\n').length }).to.deep.equal({ code: 2, stdout: '', lines: 2 });
  return stderr;
}

function login(host: string, password: string): string {
  const folder = temporaryFolder();
  const auth = Buffer.from(`ann:${password}`).toString('base64');
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ auths: { [host]: { auth } } }));
  return folder;
}

function web(architecture: string, types = TYPES): BuiltImage {
  return buildImage(
    {
      architecture,
      config: { User: 'web', Cmd: ['server'], ExposedPorts: { '80/tcp': {} }, Volumes: { '/srv/data': {} } },
      layers: [
        [file('etc/passwd', 'root:x:0:0::/:\nweb:x:100:100::/:\n'), program('usr/bin/su', 0o4755)],
        [
          file('etc/passwd', `root:x:0:0::/:\nweb:x:${architecture === 'arm64' ? '202' : '101'}:103::/:\n`),
          capable('usr/bin/server', capability([10, 7])),
          directory('srv/data', 0o750, 101, 103),
          file('usr/bin/.wh.su'),
        ],
      ],
    },
    types,
  );
}

const AMD64 = ['--platform', 'linux/amd64'];
const EXPECTED = `  runAsUser: 101 # USER web: 101 in the image's /etc/passwd
  runAsGroup: 103 # the group of web in the image's /etc/passwd
  # writablePaths: what the program writes cannot be known from its image.
  dataPaths:
    - /srv/data # VOLUME, web:103 0750 in the image
  ports:
    - 80 # EXPOSE 80/tcp
  needs:
    - SETUID # a file capability of /usr/bin/server, which the image's command line names
    - NET_BIND_SERVICE # a file capability of /usr/bin/server, which the image's command line names
`;

describe('kube-harden profile and docker-registry', () => {
  describe('in plain HTTP on loopback', () => {
    let registry: RegistryServer;
    before(async () => {
      registry = await RegistryServer.start();
      const target = { base: `http://${registry.host}`, repository: 'shop/web' };
      for (const types of [TYPES, DOCKER_TYPES]) {
        const images = ['amd64', 'arm64'].map((architecture) => web(architecture, types));
        const kind = types === TYPES ? 'oci' : 'docker';
        for (const image of images) await pushImage(target, image, `${kind}-${image.platform.architecture}`);
        await pushManifest(target, indexOf(images, types), kind);
      }
    });
    after(() => registry.stop());

    for (const tag of ['oci', 'docker', 'oci-amd64', 'docker-amd64']) {
      it(`reads an image and its layers (${tag})`, async () => {
        const { code, stdout, stderr } = await profile([`${registry.host}/shop/web:${tag}`, ...AMD64]);
        expect(stderr).to.equal('');
        expect(code).to.equal(0);
        expect(stdout).to.match(
          new RegExp(
            `- images:\n    - ${registry.host}/shop/web # read from ${registry.host}/shop/web:${tag}\n`,
          ),
        );
        expect(stdout.slice(stdout.indexOf('  runAsUser'))).to.equal(EXPECTED);
      });
    }
    it('reads the image of another platform, and by digest', async () => {
      const arm64 = await profile([`${registry.host}/shop/web:oci`, '--platform', 'linux/arm64']);
      expect(arm64.stdout).to.match(/runAsUser: 202 /);
      const { digest } = web('arm64').manifest;
      expect((await profile([`${registry.host}/shop/web@${digest}`])).stdout).to.match(/runAsUser: 202 /);
    });
    it('stands in for another registry as its mirror', async () => {
      const { stdout } = await profile([
        'registry.example/shop/web:oci',
        ...AMD64,
        '--mirror',
        `registry.example=${registry.host}`,
      ]);
      expect(stdout).to.match(
        /- registry\.example\/shop\/web # read from registry\.example\/shop\/web:oci, from 127/,
      );
    });
    it('says in one line what is not there, of tags, repositories and platforms', async () => {
      expect(await refusal([`${registry.host}/shop/web:none`])).to.match(
        /^error: there is no \S+\/shop\/web:none on \S+: manifest unknown\n$/,
      );
      expect(await refusal([`${registry.host}/none`])).to.match(/^error: there is no \S+\/none:latest on /);
      expect(await refusal([`${registry.host}/shop/web:oci`, '--platform', 'linux/riscv64'])).to.match(
        /it has linux\/amd64, linux\/arm64: choose with --platform\n$/,
      );
    });
    it('is not believed a layer that has another content than its digest', async () => {
      const image = buildImage({
        config: { User: '1:1' },
        layers: [[file('of-this-test-only')]],
        compression: 'none',
      });
      await pushImage({ base: `http://${registry.host}`, repository: 'shop/forged' }, image, '1');
      const [layer] = image.layers;
      const hex = layer?.digest.slice('sha256:'.length) ?? '';
      const stored = join(registry.storage, 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data');
      writeFileSync(
        stored,
        Buffer.from(
          (layer?.bytes ?? '').toString('latin1').replace('of-this-test-only', 'something-of-else'),
          'latin1',
        ),
      );
      expect(await refusal([`${registry.host}/shop/forged:1`])).to.match(
        /^error: layer sha256:\w+ is (not what its digest says|not a tar archive)/,
      );
      expect((await profile([`${registry.host}/shop/forged:1`, '--config-only'])).code).to.equal(0);
    });
  });

  describe('over TLS', () => {
    const caFile = join(temporaryFolder(), 'ca.crt');
    writeFileSync(caFile, authority.cert);
    const trusting = ['--certificate-authority', caFile];

    describe('with a password (htpasswd)', () => {
      let registry: RegistryServer;
      before(async () => {
        const tls = await servingFiles();
        const path = join(tls.dir, 'htpasswd');
        // bcrypt of "secret": perl -e 'print crypt("secret", q($2b$05$abcdefghijklmnopqrstuu))'; the registry takes no other.
        writeFileSync(path, 'ann:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n');
        registry = await RegistryServer.start({ tls, auth: { htpasswd: { realm: 'the tests', path } } });
        const authorization = `Basic ${Buffer.from('ann:secret').toString('base64')}`;
        await pushImage(
          { base: `https://${registry.host}`, repository: 'shop/web', authorization },
          web('amd64'),
          '1',
        );
      });
      after(() => registry.stop());

      it('reads with the credentials of docker login', async () => {
        const { stdout } = await profile(
          [`${registry.host}/shop/web:1`, ...trusting],
          login(registry.host, 'secret'),
        );
        expect(stdout.slice(stdout.indexOf('  runAsUser'))).to.equal(EXPECTED);
      });
      it('reads without checking the certificate where it is told so', async () => {
        const { code } = await profile(
          [`${registry.host}/shop/web:1`, '--insecure', registry.host],
          login(registry.host, 'secret'),
        );
        expect(code).to.equal(0);
      });
      it('says in one line that credentials are missing, wrong, or the certificate is not trusted', async () => {
        const image = `${registry.host}/shop/web:1`;
        expect(await refusal([image, ...trusting])).to.match(
          /answers 401 for .*: there is no such image, or it asks for credentials \(docker login /,
        );
        expect(await refusal([image, ...trusting], login(registry.host, 'wrong'))).to.match(
          /answers 401 for .*config\.json are not enough/,
        );
        expect(await refusal([image], login(registry.host, 'secret'))).to.match(
          /its certificate is not trusted \(/,
        );
      });
    });

    describe('with tokens', () => {
      let registry: RegistryServer;
      let tokens: TokenServer;
      before(async () => {
        tokens = await TokenServer.start('ann', 'secret');
        registry = await RegistryServer.start({ tls: await servingFiles(), auth: tokens.auth(caFile) });
        const authorization = `Bearer ${tokens.token('shop/web', ['pull', 'push'])}`;
        await pushImage(
          { base: `https://${registry.host}`, repository: 'shop/web', authorization },
          web('amd64'),
          '1',
        );
      });
      after(async () => {
        await registry.stop();
        tokens.stop();
      });

      it('reads with one token for the manifest and all blobs', async () => {
        const { stdout } = await profile(
          [`${registry.host}/shop/web:1`, ...trusting],
          login(registry.host, 'secret'),
        );
        expect(stdout.slice(stdout.indexOf('  runAsUser'))).to.equal(EXPECTED);
        expect(tokens.asked.map(({ query }) => query)).to.deep.equal([
          '?service=docker-registry&scope=repository%3Ashop%2Fweb%3Apull',
        ]);
      });
      it('says in one line that the token server refuses', async () => {
        expect(await refusal([`${registry.host}/shop/web:1`, ...trusting])).to.match(/answers 401 for /);
      });
    });
  });
});
