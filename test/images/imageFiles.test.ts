import { expect } from 'chai';
import { ImageFiles } from '../../src/images/imageFiles.js';
import { ImageBudget } from '../../src/images/imageLimits.js';
import { readLayerFiles } from '../../src/images/layerFiles.js';
import { directory, file, hardlink, program, removal, symlink, tarOf, type Member } from './support/tar.js';

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield await Promise.resolve(bytes);
}

async function filesOf(...layers: Member[][]): Promise<ImageFiles> {
  const budget = new ImageBudget();
  const read = [];
  for (const members of layers) read.push(await readLayerFiles(once(tarOf(members)), 'layer 1', budget));
  return ImageFiles.of(read);
}

const paths = (files: ImageFiles): string[] => [...files.all()].map(({ path }) => path);

async function failure(...layers: Member[][]): Promise<string> {
  return filesOf(...layers).then(
    () => 'none',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

describe('ImageFiles', () => {
  it('has the last layer win, and makes parents that no layer has', async () => {
    const files = await filesOf(
      [file('etc/passwd', 'old'), program('a/b/tool', 0o4755)],
      [file('./etc/passwd', 'new'), program('/a/b/tool')],
    );
    expect(paths(files)).to.deep.equal(['/', '/a', '/a/b', '/a/b/tool', '/etc', '/etc/passwd']);
    expect(files.find('/etc/passwd')?.file.text).to.equal('new');
    expect(files.find('/a/b/tool')?.file.mode).to.equal(0o755);
  });

  it('lists a directory of many files', () => {
    const many = 200_000;
    const files = ImageFiles.of([
      Array.from({ length: many }, (_, n) => ({ path: `d/${n}`, kind: 'file', mode: 0o644, uid: 0, gid: 0 })),
    ]);
    expect(paths(files)).to.have.length(many + 2);
  });

  it('keeps what is in a directory whose owner a later layer changes', async () => {
    const files = await filesOf([directory('data'), file('data/x')], [directory('data', 0o700, 999)]);
    expect(files.find('/data')?.file).to.include({ uid: 999, mode: 0o700 });
    expect(files.find('/data/x')).to.not.equal(undefined);
  });

  for (const [title, second, left] of [
    ['a whiteout removes a file', [removal('d/a')], ['/', '/d', '/d/b', '/d/e', '/d/e/f']],
    ['a whiteout removes a directory', [removal('d')], ['/']],
    ['an opaque one empties a directory', [file('d/.wh..wh..opq')], ['/', '/d']],
    [
      "an opaque one leaves the layer's own files, before it and behind it",
      [file('d/own'), file('d/.wh..wh..opq'), file('d/e/late')],
      ['/', '/d', '/d/e', '/d/e/late', '/d/own'],
    ],
    [
      "a whiteout leaves the layer's own file of that name",
      [file('d/a'), removal('d/a')],
      ['/', '/d', '/d/a', '/d/b', '/d/e', '/d/e/f'],
    ],
    ['a file takes the place of a directory', [file('d')], ['/', '/d']],
    [
      'a whiteout of what is not there does nothing',
      [removal('x/y')],
      ['/', '/d', '/d/a', '/d/b', '/d/e', '/d/e/f'],
    ],
  ] as const) {
    it(title, async () => {
      const files = await filesOf([file('d/a'), file('d/b'), file('d/e/f')], [...second]);
      expect(paths(files)).to.deep.equal(left);
    });
  }

  it('follows links to files and directories, absolute and relative, but not for ever', async () => {
    const files = await filesOf([
      symlink('bin', 'usr/bin'),
      program('usr/bin/tool'),
      symlink('usr/bin/alias', '/bin/../bin/tool'),
      symlink('out', '../../../usr'),
      symlink('round', 'round'),
    ]);
    expect(files.find('/bin/alias')?.path).to.equal('/usr/bin/tool');
    expect(files.find('/out/bin/tool')?.path).to.equal('/usr/bin/tool');
    expect(files.find('/round')).to.equal(undefined);
    expect(files.find('/nowhere')).to.equal(undefined);
  });

  it('puts a file of a later layer where a link of a lower one leads', async () => {
    const files = await filesOf(
      [directory('usr/bin'), symlink('bin', 'usr/bin')],
      [program('bin/su', 0o4755)],
    );
    expect(files.find('/usr/bin/su')?.file.mode).to.equal(0o4755);
    expect(files.find('/bin')?.path).to.equal('/usr/bin');
  });

  it('gives a hard link what its file has', async () => {
    const files = await filesOf(
      [program('usr/bin/su', 0o4755)],
      [hardlink('bin/su', 'usr/bin/su'), hardlink('x', 'nowhere')],
    );
    expect(files.find('/bin/su')?.file.mode).to.equal(0o4755);
    expect(files.find('/x')).to.equal(undefined);
  });

  for (const [title, members, message] of [
    [
      'a name outside of the image',
      [file('a/../../etc/passwd')],
      'layer 1 has a file outside of the image: "a/../../etc/passwd"',
    ],
    ['a hard link to outside', [hardlink('a', '../b')], 'layer 1 has a file outside of the image: "../b"'],
    ['a whiteout of its own folder', [file('a/.wh..')], 'layer 1 removes ".", which is no name'],
    [
      'a name longer than any',
      [{ ...file('x'), pax: { path: 'a/'.repeat(3000) } }],
      'layer 1 has a file name or link of more than 4096 bytes',
    ],
    [
      'a link longer than any',
      [{ ...symlink('x', 'y'), pax: { linkpath: 'a/'.repeat(3000) } }],
      'layer 1 has a file name or link of more than 4096 bytes',
    ],
    [
      'a passwd larger than any',
      [file('etc/passwd', 'x'.repeat(2 ** 20 + 1))],
      '/etc/passwd has more than 1048576 bytes, which no real one has',
    ],
  ] as const) {
    it(`refuses ${title}`, async () => expect(await failure([...members])).to.equal(message));
  }
  it('bounds the passwd files of all folders and layers together', async () => {
    const many = Array.from({ length: 17 }, (_, index) => file(`${index}/etc/passwd`, 'x'.repeat(2 ** 20)));
    expect(await failure(many)).to.equal('the image has more than 16 MiB of etc/passwd and etc/group');
  });
  it('does not follow links to links without end', async () => {
    const far = 'x/../'.repeat(800);
    const chained = Array.from({ length: 30 }, (_, index) => ({
      ...symlink(`l${index}`, ''),
      pax: { linkpath: `${far}${index === 29 ? 'x' : `l${index + 1}`}` },
    }));
    const through = Array.from({ length: 250 }, (_, index) => file(`l0/${index}`));
    expect(await failure([directory('x'), ...chained, ...through])).to.equal(
      'the image has symbolic links without end',
    );
  });
});
