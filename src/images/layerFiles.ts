import { ByteReader } from './archive/byteReader.js';
import { readTar, type TarEntry } from './archive/tarReader.js';
import { collect } from './archive/verifiedBytes.js';
import { parseFileCapability, type FileCapability } from './fileCapability.js';
import { ImageError } from './imageError.js';
import { MAX_PATH_BYTES, MAX_TEXT_BYTES, type ImageBudget } from './imageLimits.js';

/** What a layer says of one path. */
export interface FileChange {
  /** From the root, without a leading `/`; empty for the root itself. */
  readonly path: string;
  /** `removed`: what lower layers have there is gone; `emptied`: what they have in that directory is. */
  readonly kind: TarEntry['kind'] | 'removed' | 'emptied';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of a symlink, as written; of a hardlink, a path as above. */
  readonly target?: string;
  readonly capability?: FileCapability;
  /** The content of `etc/passwd` and `etc/group`, wherever they lie: some images have links there. */
  readonly text?: string;
}

/** Source: image-spec v1.1, layer.md, "Whiteouts". */
const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';

const CAPABILITY = 'SCHILY.xattr.security.capability';
const KEPT_TEXT = /^(?:.*\/)?etc\/(?:passwd|group)$/;

/**
 * Reads an unpacked layer to its end. Of files only what their headers say is kept.
 * @param what the layer's name in messages
 * @throws ImageError
 */
export async function readLayerFiles(
  bytes: AsyncIterable<Buffer>,
  what: string,
  budget: ImageBudget,
): Promise<FileChange[]> {
  const reader = new ByteReader(counted(bytes, budget), what);
  const changes: FileChange[] = [];
  try {
    for await (const entry of readTar(reader)) {
      const change = await changeOf(entry, what, budget);
      budget.takeFile(change.path.length + (change.target?.length ?? 0));
      changes.push(change);
    }
    await reader.drain();
  } finally {
    await reader.close();
  }
  return changes;
}

async function* counted(bytes: AsyncIterable<Buffer>, budget: ImageBudget): AsyncGenerator<Buffer> {
  for await (const chunk of bytes) {
    budget.takeUnpacked(chunk.length);
    yield chunk;
  }
}

async function changeOf(entry: TarEntry, what: string, budget: ImageBudget): Promise<FileChange> {
  const path = pathInImage(entry.name, what);
  const { mode, uid, gid } = entry;
  const slash = path.lastIndexOf('/');
  const base = path.slice(slash + 1);
  const folder = path.slice(0, Math.max(slash, 0));
  if (base === OPAQUE) return { path: folder, kind: 'emptied', mode, uid, gid };
  if (base.startsWith(WHITEOUT)) {
    const name = base.slice(WHITEOUT.length);
    if (['', '.', '..'].includes(name))
      throw new ImageError(`${what} removes ${JSON.stringify(name)}, which is no name`);
    return { path: folder === '' ? name : `${folder}/${name}`, kind: 'removed', mode, uid, gid };
  }
  if (entry.kind === 'symlink') {
    checkLength(entry.target, what);
    return { path, kind: entry.kind, mode, uid, gid, target: entry.target };
  }
  if (entry.kind === 'hardlink')
    return { path, kind: entry.kind, mode, uid, gid, target: pathInImage(entry.target, what) };
  const attribute = entry.kind === 'file' ? entry.pax.get(CAPABILITY) : undefined;
  const capability = attribute && parseFileCapability(attribute);
  const text = entry.kind === 'file' && KEPT_TEXT.test(path) ? await textOf(entry, path, budget) : undefined;
  return {
    path,
    kind: entry.kind,
    mode,
    uid,
    gid,
    ...(capability && { capability }),
    ...(text !== undefined && { text }),
  };
}

async function textOf(entry: TarEntry, path: string, budget: ImageBudget): Promise<string> {
  const bytes = await collect(entry.content(), MAX_TEXT_BYTES, `/${path}`);
  budget.takeText(bytes.length);
  return bytes.toString('utf8');
}

/** @throws ImageError where a name leads out of the image: no builder writes that, and container runtimes refuse it */
function pathInImage(name: string, what: string): string {
  checkLength(name, what);
  const parts: string[] = [];
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined)
      throw new ImageError(`${what} has a file outside of the image: ${JSON.stringify(name.slice(0, 80))}`);
  }
  return parts.join('/');
}

function checkLength(name: string, what: string): void {
  if (Buffer.byteLength(name) > MAX_PATH_BYTES)
    throw new ImageError(`${what} has a file name or link of more than ${MAX_PATH_BYTES} bytes`);
}
