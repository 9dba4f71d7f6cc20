import type { Path, Report } from './report.js';

/** A relative path without `..`. */
export function validateDescendingPath(value: string, path: Path, report: Report): void {
  if (value.startsWith('/')) report.add(path, `Invalid value: "${value}": must be a relative path`);
  if (value.split('/').includes('..')) report.add(path, `Invalid value: "${value}": must not contain '..'`);
}
