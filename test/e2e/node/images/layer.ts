import { spawn } from 'node:child_process';
import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { PassThrough, Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { ImageError } from './imageError.js';

/** A layer as the image's manifest (`digest`, `size`: the gzipped file) and configuration (`diffId`: the tar) name it. */
export interface Layer {
  readonly digest: string;
  readonly size: number;
  readonly diffId: string;
}

/** What apt keeps for itself, and logs of the installation: of no use in an image, and different in every build. */
const LEFT_OUT = [
  './var/lib/apt/lists/*',
  './var/cache/apt/*',
  './var/cache/debconf/*-old',
  './var/cache/ldconfig/aux-cache',
  './var/lib/dpkg/*-old',
  './var/log/apt',
  './var/log/dpkg.log',
  './var/log/alternatives.log',
  './var/log/bootstrap.log',
];

/**
 * Arguments for GNU tar. Owners, modes and set-uid bits are as they lie there. A file capability survives only as the
 * PAX record SCHILY.xattr.security.capability, which container runtimes read; overlayfs's own attributes stay out.
 */
export function tarArguments(folder: string): string[] {
  return [
    '--create',
    '--format=posix',
    '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime',
    '--numeric-owner',
    '--sort=name',
    '--xattrs',
    '--xattrs-include=security.capability',
    ...LEFT_OUT.map((pattern) => `--exclude=${pattern}`),
    `--directory=${folder}`,
    '.',
  ];
}

/** @throws ImageError where tar fails */
export async function writeLayer(folder: string, file: string): Promise<Layer> {
  const tar = spawn('tar', tarArguments(folder), { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(tar, 'exit') as Promise<[number | null]>;
  const [uncompressed, compressed] = [createHash('sha256'), createHash('sha256')];
  let size = 0;
  const count = new PassThrough().on('data', (chunk: Buffer) => (size += chunk.length));
  await pipeline(
    tar.stdout,
    hashing(uncompressed),
    // Read once or twice, from a local disk: quick is better than small.
    createGzip({ level: 1 }),
    hashing(compressed),
    count,
    createWriteStream(file),
  );
  const [code] = await ended;
  if (code !== 0) throw new ImageError(`tar of ${folder} ended with ${String(code)}, see above`);
  return { digest: named(compressed), size, diffId: named(uncompressed) };
}

function hashing(hash: Hash): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
}

function named(hash: Hash): string {
  return `sha256:${hash.digest('hex')}`;
}
