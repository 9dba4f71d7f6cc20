const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left on the disk',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file would become larger than is allowed',
  EBUSY: 'it is in use, perhaps mounted by itself',
};

/** What the operating system says, in plain words. @throws what is no system error: a bug */
export function systemReason(error: unknown): string {
  if (!(error instanceof Error) || !('syscall' in error)) throw error;
  return REASONS['code' in error ? String(error.code) : ''] ?? error.message;
}
