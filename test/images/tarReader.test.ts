import { expect } from 'chai';
import { ByteReader } from '../../src/images/archive/byteReader.js';
import { readTar, type TarEntry } from '../../src/images/archive/tarReader.js';
import {
  capability,
  directory,
  file,
  hardlink,
  header,
  symlink,
  tarOf,
  withChecksum,
} from './support/tar.js';

type Read = Omit<TarEntry, 'content'> & { readonly content: string };

/** In pieces that end nowhere near a block's border. */
async function* pieces(bytes: Buffer, size = 777): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += size)
    yield await Promise.resolve(bytes.subarray(start, start + size));
}

async function read(bytes: Buffer, { withContent = true } = {}): Promise<Read[]> {
  const entries: Read[] = [];
  for await (const entry of readTar(new ByteReader(pieces(bytes), 'a.tar'))) {
    const parts: Buffer[] = [];
    if (withContent) for await (const part of entry.content()) parts.push(part);
    entries.push({ ...entry, content: Buffer.concat(parts).toString() });
  }
  return entries;
}

async function failure(bytes: Buffer): Promise<string> {
  return read(bytes).then(
    () => 'none',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

const MEMBERS = [
  directory('etc/', 0o755, 3, 4),
  file('etc/passwd', 'root:x:0:0::/:\n', 0o4644),
  symlink('bin', 'usr/bin'),
  hardlink('etc/shadow', 'etc/passwd'),
  file('long', 'x'.repeat(2000)),
];

describe('readTar', () => {
  it('reads names, kinds, modes, owners, targets and contents', async () => {
    const entries = await read(tarOf(MEMBERS));
    expect(entries.map(({ name, kind, size }) => [name, kind, size])).to.deep.equal([
      ['etc/', 'directory', 0],
      ['etc/passwd', 'file', 15],
      ['bin', 'symlink', 0],
      ['etc/shadow', 'hardlink', 0],
      ['long', 'file', 2000],
    ]);
    expect(entries[0]).to.include({ mode: 0o755, uid: 3, gid: 4 });
    expect(entries[1]).to.include({ mode: 0o4644, content: 'root:x:0:0::/:\n' });
    expect(entries.map(({ target }) => target).filter(Boolean)).to.deep.equal(['usr/bin', 'etc/passwd']);
    expect(entries[4]?.content).to.equal('x'.repeat(2000));
  });

  it('skips contents that nobody reads', async () => {
    const names = (await read(tarOf(MEMBERS), { withContent: false })).map(({ name }) => name);
    expect(names).to.deep.equal(['etc/', 'etc/passwd', 'bin', 'etc/shadow', 'long']);
  });

  it('takes names, links and ids from PAX records, and keeps the bytes of an attribute', async () => {
    const attribute = capability([7, 10, 31]);
    const path = `${'a'.repeat(200)}/ü=b\nc`;
    const [entry, next] = await read(
      tarOf([
        { ...file('short'), pax: { path, uid: '4000000000', 'SCHILY.xattr.security.capability': attribute } },
        { ...symlink('link', 'short'), pax: { linkpath: 'b'.repeat(150) } },
      ]),
    );
    expect(entry).to.include({ name: path, uid: 4_000_000_000 });
    expect(entry?.pax.get('SCHILY.xattr.security.capability')).to.deep.equal(attribute);
    expect(next).to.include({ name: 'link', target: 'b'.repeat(150), uid: 0 });
  });

  it("reads GNU's long names and large numbers, and leaves a global header out", async () => {
    const large = header(file('large'), 0);
    large.fill(0, 108, 116);
    large[108] = 0x80;
    large.writeUInt32BE(3_000_000_000, 112);
    const [entry, second] = await read(
      Buffer.concat([
        tarOf([{ name: 'pax_global_header', type: 'g', content: '15 comment=abc\n' }]).subarray(0, 1024),
        tarOf([{ name: '././@LongLink', type: 'L', content: `${'n'.repeat(300)}\0` }]).subarray(0, 1024),
        tarOf([{ name: '././@LongLink', type: 'K', content: `${'t'.repeat(300)}\0` }]).subarray(0, 1024),
        header(symlink('cut', 'cut'), 0),
        withChecksum(large),
        Buffer.alloc(1024),
      ]),
    );
    expect(entry).to.include({ name: 'n'.repeat(300), target: 't'.repeat(300), kind: 'symlink' });
    expect(second).to.include({ name: 'large', uid: 3_000_000_000 });
  });

  it('puts the prefix of ustar before a name, and accepts an archive without an end mark', async () => {
    const block = header(file('name'), 0);
    block.write('some/folder', 345);
    expect((await read(withChecksum(block)))[0]?.name).to.equal('some/folder/name');
  });

  for (const [title, bytes, message] of [
    ['nothing', Buffer.alloc(0), 'a.tar is not a tar archive'],
    ['a text', Buffer.from('hello\n'.repeat(200)), 'a.tar is not a tar archive'],
    [
      'an archive cut off in a content',
      tarOf([file('a', 'x'.repeat(2000))]).subarray(0, 1500),
      'a.tar is cut off',
    ],
    ['an archive cut off in a header', tarOf([file('a'), file('b')]).subarray(0, 700), 'a.tar is cut off'],
    [
      'a damaged header',
      Buffer.concat([tarOf([file('a')]).subarray(0, 512), Buffer.alloc(512, 'z')]),
      "a.tar is damaged: a header's checksum is wrong",
    ],
    [
      'a PAX header larger than any',
      tarOf([{ name: 'x', type: 'x', statedSize: 2 ** 31 }]),
      'a.tar has an extended header of 2147483648 bytes, more than 1 MiB',
    ],
    [
      'an id that is no number',
      tarOf([{ ...file('a'), pax: { uid: '-1' } }]),
      'a.tar is damaged: uid of a file is no number',
    ],
  ] as const) {
    it(`refuses ${title}`, async () => expect(await failure(bytes)).to.equal(message));
  }
});
