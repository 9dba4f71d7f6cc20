/** A line of /etc/passwd. */
export interface PasswdUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** A line of /etc/group. */
export interface Group {
  readonly name: string;
  readonly gid: number;
}

/** The image's own users. Source: passwd(5), group(5). */
export class UserDatabase {
  private constructor(
    readonly users: readonly PasswdUser[],
    readonly groups: readonly Group[],
  ) {}

  /** Lines that are none are left out, as libc does. */
  static parse(passwd: string, group: string): UserDatabase {
    const users = lines(passwd).flatMap(([name = '', , uid, gid]) => {
      const ids = { uid: id(uid), gid: id(gid) };
      return name === '' || ids.uid === undefined || ids.gid === undefined
        ? []
        : [{ name, uid: ids.uid, gid: ids.gid }];
    });
    const groups = lines(group).flatMap(([name = '', , gid]) => {
      const number = id(gid);
      return name === '' || number === undefined ? [] : [{ name, gid: number }];
    });
    return new UserDatabase(users, groups);
  }

  userNamed(name: string): PasswdUser | undefined {
    return this.users.find((user) => user.name === name);
  }

  userOf(uid: number): PasswdUser | undefined {
    return this.users.find((user) => user.uid === uid);
  }

  groupNamed(name: string): Group | undefined {
    return this.groups.find((group) => group.name === name);
  }

  groupOf(gid: number): Group | undefined {
    return this.groups.find((group) => group.gid === gid);
  }

  /** `postgres:postgres`, with numbers where there are no names. */
  ownerText(uid: number, gid: number): string {
    return `${this.userOf(uid)?.name ?? uid}:${this.groupOf(gid)?.name ?? gid}`;
  }
}

function lines(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'));
}

function id(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}
