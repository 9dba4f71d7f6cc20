/** How the kernel's refusals are worded, by the C library and by programs that have words of their own. */
const REFUSAL =
  /permission denied|not permitted|read-only file system|no permissions|no new privileges|misconf|\b(erofs|eacces|eperm)\b/i;
/** What is no more than a program's word that something is not as it should be. */
const COMPLAINT = /\b(error|failed|failure|fatal|denied|cannot|can't|could not|unable|invalid)\b/i;

/** Other servers' and clients' affairs, and limits that a program can live with. */
const WARNING = /\bwarn(ing)?\b/i;

export function isRefusal(line: string): boolean {
  return REFUSAL.test(line);
}

/**
 * The line of a log that says why a program fails: the last with a refusal, for what comes earlier it could do without;
 * else the last that complains at all; else the last.
 */
export function complaintIn(log: string): string {
  const lines = log
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const last = (pattern: RegExp): string | undefined => lines.findLast((line) => pattern.test(line));
  const grave = lines.findLast((line) => COMPLAINT.test(line) && !WARNING.test(line));
  return last(REFUSAL) ?? grave ?? last(COMPLAINT) ?? lines.at(-1) ?? 'it said nothing';
}
