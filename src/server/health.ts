export interface CheckResult {
  readonly ok: boolean;
  /** What is wrong, or worth knowing, in one line. */
  readonly detail?: string | undefined;
}

export interface HealthCheck {
  /** One word, as it stands in `[+]policies ok`. */
  readonly name: string;
  check(): CheckResult;
}

export interface HealthReport {
  readonly ok: boolean;
  readonly text: string;
}

/**
 * What /livez and /readyz answer, as kube-apiserver words it: `ok`, or each check with `[+]` or `[-]` when `verbose`;
 * where one fails, the failing ones are named in the plain answer too.
 */
export function healthReport(
  endpoint: string,
  checks: readonly HealthCheck[],
  verbose: boolean,
): HealthReport {
  const results = checks.map((check) => ({ name: check.name, ...check.check() }));
  const ok = results.every((result) => result.ok);
  if (ok && !verbose) return { ok, text: 'ok' };
  const lines = results
    .filter((result) => verbose || !result.ok)
    .map(({ name, ok: passed, detail }) => {
      const line = passed ? `[+]${name} ok` : `[-]${name} failed`;
      return detail === undefined ? line : `${line}: ${detail}`;
    });
  return { ok, text: [...lines, `${endpoint} check ${ok ? 'passed' : 'failed'}`, ''].join('\n') };
}
