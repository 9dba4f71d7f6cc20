import { ImageError } from '../imageError.js';
import type { ByteReader } from './byteReader.js';
import { paxRecords } from './paxRecords.js';

/*
 * Reads tar archives as container tools write them: ustar, PAX and GNU. Own code, since the libraries decode PAX values
 * as text, which destroys the file capabilities that we are after (ADR 8).
 * Source: POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format"; Go's archive/tar.
 */

export type TarEntryKind = 'file' | 'directory' | 'symlink' | 'hardlink' | 'other';

/** One member of an archive. Its content can be read until the next one is asked for. */
export interface TarEntry {
  /** As it is written there: perhaps with `./`, `..` or a leading `/`. */
  readonly name: string;
  readonly kind: TarEntryKind;
  /** Permission bits with set-uid, set-gid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of its content. */
  readonly size: number;
  /** Of a symlink or hardlink. */
  readonly target: string;
  /** The records of its PAX header. */
  readonly pax: ReadonlyMap<string, Buffer>;
  content(): AsyncGenerator<Buffer>;
}

const BLOCK = 512;

/** Long names and PAX headers; libraries stop there too. */
const MAX_EXTENSION_BYTES = 2 ** 20;

/**
 * The members of an archive, in its order. Stops at the end mark; what follows is not read.
 * @throws ImageError where it is no tar, or cut off
 */
export async function* readTar(reader: ByteReader): AsyncGenerator<TarEntry> {
  let pending: Extensions = {};
  for (let isFirst = true; ; isFirst = false) {
    const block = await nextHeader(reader, isFirst);
    if (block === undefined) return;
    const type = String.fromCharCode(block[156] ?? 0);
    const size = numberField(block, 124, 12, reader.what);
    const extension = EXTENSIONS[type];
    if (extension !== undefined) {
      if (size > MAX_EXTENSION_BYTES)
        throw new ImageError(`${reader.what} has an extended header of ${size} bytes, more than 1 MiB`);
      const data = await reader.read(size);
      await skipPadding(reader, size);
      pending = { ...pending, ...extension(data) };
      continue;
    }
    if (type === 'S') await skipSparseMap(reader, block);
    yield* member(reader, entryOf(block, type, size, pending, reader.what));
    pending = {};
  }
}

async function* member(reader: ByteReader, fields: Omit<TarEntry, 'content'>): AsyncGenerator<TarEntry> {
  let unread = fields.size;
  const next = async (): Promise<Buffer | undefined> => {
    if (unread === 0) return undefined;
    const part = await reader.some(unread);
    if (part === undefined) throw new ImageError(`${reader.what} is cut off`);
    unread -= part.length;
    return part;
  };
  const content = async function* (): AsyncGenerator<Buffer> {
    for (let part = await next(); part !== undefined; part = await next()) yield part;
  };
  yield { ...fields, content };
  while ((await next()) !== undefined);
  await skipPadding(reader, fields.size);
}

/** Undefined at the end mark, a block of zeros, and at the end of the bytes: GNU tar accepts an archive without a mark. */
async function nextHeader(reader: ByteReader, isFirst: boolean): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let have = 0;
  while (have < BLOCK) {
    const part = await reader.some(BLOCK - have);
    if (part === undefined) break;
    parts.push(part);
    have += part.length;
  }
  if (have === 0 && !isFirst) return undefined;
  const block = Buffer.concat(parts);
  if (have === BLOCK && block.every((byte) => byte === 0)) return undefined;
  if (have === BLOCK && hasItsChecksum(block)) return block;
  if (isFirst) throw new ImageError(`${reader.what} is not a tar archive`);
  throw new ImageError(
    have < BLOCK ? `${reader.what} is cut off` : `${reader.what} is damaged: a header's checksum is wrong`,
  );
}

function hasItsChecksum(block: Buffer): boolean {
  const stated = octal(block.subarray(148, 156));
  let unsigned = 0;
  let signed = 0;
  for (let index = 0; index < BLOCK; index++) {
    const byte = index >= 148 && index < 156 ? 0x20 : (block[index] ?? 0);
    unsigned += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  // Some old programs summed signed bytes.
  return stated === unsigned || stated === signed;
}

interface Extensions {
  readonly pax?: ReadonlyMap<string, Buffer>;
  readonly name?: string;
  readonly target?: string;
}

/** Members that say something of the next one; a global PAX header carries comments (git's commit id), nothing of files. */
const EXTENSIONS: Readonly<Record<string, (data: Buffer) => Extensions>> = {
  x: (data) => ({ pax: paxRecords(data) }),
  g: () => ({}),
  L: (data) => ({ name: textField(data, 0, data.length) }),
  K: (data) => ({ target: textField(data, 0, data.length) }),
};

const KINDS: Readonly<Record<string, TarEntryKind>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '5': 'directory',
};

function entryOf(
  block: Buffer,
  type: string,
  size: number,
  { pax = new Map<string, Buffer>(), name, target }: Extensions,
  what: string,
): Omit<TarEntry, 'content'> {
  const text = (key: string): string | undefined => pax.get(key)?.toString('utf8');
  const number = (key: string, start: number, length: number): number => {
    const given = text(key);
    const value = given === undefined ? numberField(block, start, length, what) : Number(given);
    if (!Number.isSafeInteger(value) || value < 0)
      throw new ImageError(`${what} is damaged: ${key} of a file is no number`);
    return value;
  };
  // GNU tar writes a sparse file's own name beside one that says what it is.
  const fullName = text('GNU.sparse.name') ?? text('path') ?? name ?? headerName(block);
  // The first tars marked a directory by its name.
  const kind = KINDS[type] === 'file' && fullName.endsWith('/') ? 'directory' : (KINDS[type] ?? 'other');
  return {
    name: fullName,
    kind,
    mode: numberField(block, 100, 8, what) & 0o7777,
    uid: number('uid', 108, 8),
    gid: number('gid', 116, 8),
    // A link has no content whatever its size says; POSIX lets it be that of the file.
    size: kind === 'file' || kind === 'other' ? (pax.has('size') ? number('size', 124, 12) : size) : 0,
    target: text('linkpath') ?? target ?? textField(block, 157, 100),
    pax,
  };
}

/** GNU tar writes other things where ustar has the name's beginning. */
function headerName(block: Buffer): string {
  const name = textField(block, 0, 100);
  const isUstar = block.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isUstar ? textField(block, 345, 155) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

function textField(block: Buffer, start: number, length: number): string {
  const end = block.indexOf(0, start);
  return block.toString('utf8', start, end < 0 || end > start + length ? start + length : end);
}

/** Octal digits; or, with the first bit set, a big-endian number (GNU), for what octal has no room for. */
function numberField(block: Buffer, start: number, length: number, what: string): number {
  const field = block.subarray(start, start + length);
  const first = field[0] ?? 0;
  const value =
    (first & 0x80) === 0
      ? octal(field)
      : field.subarray(1).reduce((sum, byte) => sum * 256 + byte, first & 0x7f);
  if (value === undefined || !Number.isSafeInteger(value))
    throw new ImageError(`${what} is damaged: a number in a header is none`);
  return value;
}

/** Digits between blanks; an empty field is 0. */
function octal(field: Buffer): number | undefined {
  const text = field.toString('latin1').replaceAll('\0', ' ').trim();
  if (text === '') return 0;
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : undefined;
}

async function skipPadding(reader: ByteReader, size: number): Promise<void> {
  const padding = (BLOCK - (size % BLOCK)) % BLOCK;
  if (padding > 0) await reader.read(padding);
}

/** Old GNU sparse files: the map of holes goes on in further blocks, each saying whether one follows. */
async function skipSparseMap(reader: ByteReader, header: Buffer): Promise<void> {
  let more = header[482] === 1;
  while (more) more = (await reader.read(BLOCK))[504] === 1;
}
