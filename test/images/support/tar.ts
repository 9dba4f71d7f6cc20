/** A member of an archive to be made; what is left out is as for a file of root's. */
export interface Member {
  readonly name: string;
  /** ustar's letter: `0` file, `1` hardlink, `2` symlink, `5` directory. */
  readonly type?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly target?: string;
  readonly content?: string | Buffer;
  /** Records of a PAX header before it. */
  readonly pax?: Readonly<Record<string, string | Buffer>>;
  /** What the header says in place of the content's own size. */
  readonly statedSize?: number;
}

const BLOCK = 512;

/** An archive with its end mark. The same members give the same bytes. */
export function tarOf(members: readonly Member[]): Buffer {
  return Buffer.concat([...members.flatMap(blocksOf), Buffer.alloc(2 * BLOCK)]);
}

export const directory = (name: string, mode = 0o755, uid = 0, gid = uid): Member => ({
  name,
  type: '5',
  mode,
  uid,
  gid,
});
export const file = (name: string, content: string | Buffer = '', mode = 0o644): Member => ({
  name,
  content,
  mode,
});
export const program = (name: string, mode = 0o755): Member => file(name, '#!', mode);
export const symlink = (name: string, target: string): Member => ({ name, type: '2', mode: 0o777, target });
export const hardlink = (name: string, target: string): Member => ({ name, type: '1', target });
export const removal = (name: string): Member => file(name.replace(/[^/]*$/, '.wh.$&'));

/** `security.capability` as setcap writes it: revision 2, the bits permitted and in effect. */
export function capability(bits: readonly number[], { revision = 2, effective = true } = {}): Buffer {
  const attribute = Buffer.alloc(revision === 3 ? 24 : 20);
  attribute.writeUInt32LE(((revision << 24) | (effective ? 1 : 0)) >>> 0, 0);
  const all = bits.reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n);
  attribute.writeUInt32LE(Number(all & 0xffff_ffffn), 4);
  attribute.writeUInt32LE(Number(all >> 32n), 12);
  return attribute;
}

export const capable = (name: string, attribute: Buffer): Member => ({
  ...program(name),
  pax: { 'SCHILY.xattr.security.capability': attribute },
});

function blocksOf(member: Member): Buffer[] {
  const { content = '', pax } = member;
  const body = Buffer.from(content);
  const records =
    pax && Buffer.concat(Object.entries(pax).map(([key, value]) => paxRecord(key, Buffer.from(value))));
  return [
    ...(records
      ? [header({ name: 'PaxHeaders/0', type: 'x' }, records.length), records, padding(records.length)]
      : []),
    header(member, member.statedSize ?? body.length),
    body,
    padding(body.length),
  ];
}

/** The length counts its own digits. */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function padding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

export function header(
  { name, type = '0', mode = 0o644, uid = 0, gid = 0, target = '' }: Member,
  size: number,
): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, start: number, length: number): void => {
    block.write(value.toString(8).padStart(length - 1, '0'), start, 'latin1');
  };
  block.write(name, 0, 100);
  octal(mode, 100, 8);
  octal(uid, 108, 8);
  octal(gid, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  block.write(type, 156);
  block.write(target, 157, 100);
  block.write('ustar\x0000', 257, 'latin1');
  return withChecksum(block);
}

export function withChecksum(block: Buffer): Buffer {
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}
