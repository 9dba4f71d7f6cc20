import { isAbsolute, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { sarifLog, type SarifFile } from '../preview/sarif.js';
import type { Source } from './manifestSources.js';
import { version } from './version.js';

/** The package's own pages, two folders up from both src/cli and dist/cli. */
const PAGES = new URL('../../docs/rules/', import.meta.url);

/** A file, and what hardening does to the objects in it. */
export interface SarifSource {
  readonly source: Source;
  readonly preview: SarifFile['preview'];
}

/** A SARIF log of previews. Files in the current folder are called by their path in it, as code scanning asks. */
export function sarifText(previews: readonly SarifSource[]): string {
  const files = previews.map(({ source, preview }) => ({ uri: uriOf(source), preview }));
  const log = sarifLog(files, { version: version(), page: (rule) => new URL(`${rule}.md`, PAGES).href });
  return `${JSON.stringify(log, null, 2)}\n`;
}

function uriOf({ path, name }: Source): string {
  if (path === '-') return name;
  const fromHere = relative(process.cwd(), path);
  const isInside = !isAbsolute(fromHere) && fromHere.split(sep)[0] !== '..';
  return isInside ? fromHere.split(sep).map(encodeURIComponent).join('/') : pathToFileURL(resolve(path)).href;
}
