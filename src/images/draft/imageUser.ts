import type { UserDatabase } from '../userDatabase.js';

/** Who the image's process starts as. */
export type ImageUser =
  | { readonly kind: 'root'; readonly because: string }
  | { readonly kind: 'unknown'; readonly because: string }
  | {
      readonly kind: 'user';
      readonly uid: number;
      readonly because: string;
      /** Undefined where only /etc/passwd, which was not read, could tell. */
      readonly gid: number | undefined;
      readonly gidBecause: string;
    };

/** The API's bound for user and group ids. */
const MAX_ID = 2_147_483_647;

/**
 * Reads USER as container runtimes do: `user`, `uid`, `user:group`, `uid:gid`, `uid:group` or `user:gid`.
 * @param users undefined: the layers were not read
 * @see https://github.com/containerd/containerd/blob/v2.0.0/pkg/oci/spec_opts.go (WithUser)
 */
export function imageUser(user: string, users: UserDatabase | undefined): ImageUser {
  const [name = '', group] = user.split(':');
  const shown = `USER ${user}`;
  if (name === '') return { kind: 'root', because: 'the image has no USER, so it starts as root' };
  const entry = users?.userNamed(name);
  const uid = numeric(name) ?? entry?.uid ?? (users === undefined && name === 'root' ? 0 : undefined);
  if (uid === undefined) return { kind: 'unknown', because: notFound(shown, '/etc/passwd', users) };
  if (uid > MAX_ID) return { kind: 'unknown', because: `${shown} is no uid that Kubernetes accepts` };
  if (uid === 0) return { kind: 'root', because: `${shown} is root` };
  const because = numeric(name) === undefined ? `${shown}: ${uid} in the image's /etc/passwd` : shown;
  if (group === undefined || group === '') {
    const own = entry ?? users?.userOf(uid);
    const gidBecause = own
      ? `the group of ${own.name} in the image's /etc/passwd`
      : `${shown} names no group, and ${uid} is not in the image's /etc/passwd`;
    return { kind: 'user', uid, because, gid: users ? (own?.gid ?? 0) : undefined, gidBecause };
  }
  const gid = numeric(group) ?? users?.groupNamed(group)?.gid;
  if (gid === undefined && users) return { kind: 'unknown', because: notFound(shown, '/etc/group', users) };
  if (gid !== undefined && gid > MAX_ID)
    return { kind: 'unknown', because: `${shown} names no gid that Kubernetes accepts` };
  return { kind: 'user', uid, because, gid, gidBecause: shown };
}

function notFound(shown: string, file: string, users: UserDatabase | undefined): string {
  return users
    ? `${shown} is not in the image's ${file}: no container of it would start`
    : `${shown} is a name, and the image's ${file} was not read (--config-only)`;
}

function numeric(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
