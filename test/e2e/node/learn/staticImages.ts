import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findGo } from '../../controlPlane/build.js';
import { debianPackage } from '../../controlPlane/debianPackage.js';
import type { StaticImage } from '../images/staticArchive.js';

const SOURCE = join(import.meta.dirname, 'server.go');

const ACCOUNTS =
  'root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n';

/** As gcr.io/distroless/static: a program that needs no library, user names, /tmp, and no shell to look around with. */
export const KEEPER: StaticImage = {
  name: 'registry.example/shop/keeper:1.0',
  version: '1.0',
  sources: [SOURCE],
  fill: (root) => {
    for (const folder of ['etc', 'tmp', 'var/lib/keeper']) mkdirSync(join(root, folder), { recursive: true });
    chmodSync(join(root, 'tmp'), 0o1777);
    writeFileSync(join(root, 'etc/passwd'), ACCOUNTS);
    writeFileSync(join(root, 'etc/group'), 'root:x:0:\nnobody:x:65534:\n');
    execFileSync(
      findGo(process.env),
      ['build', '-trimpath', '-ldflags', '-s -w', '-o', join(root, 'keeper'), SOURCE],
      {
        env: { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GO111MODULE: 'off' },
        stdio: ['ignore', 2, 2],
      },
    );
  },
  config: { Entrypoint: ['/keeper'], ExposedPorts: ['80/tcp'] },
};

/** busybox alone, as docker.io/library/busybox: what a debug container is most often made of. */
export const BUSYBOX: StaticImage = {
  name: 'registry.example/kube-harden/busybox:1.35',
  version: '1.35.0',
  sources: [],
  fill: (root, { cacheFolder, say }) => {
    const unpacked = debianPackage('busybox-static', { cacheFolder, env: process.env, say });
    const busybox = join(unpacked, 'bin', 'busybox');
    const bin = join(root, 'bin');
    mkdirSync(bin);
    mkdirSync(join(root, 'tmp'));
    copyFileSync(busybox, join(bin, 'busybox'));
    const applets = execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n');
    for (const name of applets) if (name !== 'busybox') symlinkSync('busybox', join(bin, name));
  },
  config: { Cmd: ['sh'] },
};

/** What the tests of learn need beside the programs' images. */
export const STATIC_IMAGES: readonly StaticImage[] = [KEEPER, BUSYBOX];
