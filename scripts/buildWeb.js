import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCE = `${ROOT}/src/web`;

/** Browsers of the last two to three years; `CompressionStream('deflate-raw')` is the youngest thing that is used. */
const TARGET = ['chrome111', 'firefox113', 'safari16.4'];

/**
 * CodeMirror parses in idle time: in slices of 100 ms where the browser can say that input is pending, else of 45 ms at
 * most. Only the second keeps the promise that the page never stands still for more than 100 ms.
 */
const SHORT_SLICES = { 'navigator.scheduling': 'undefined' };

/**
 * Bundles the preview page: index.html, and under assets/ one script, one worker and one style sheet, whose names hold
 * a hash of their content; and beside them the licences of what they hold. Nothing is fetched from elsewhere when the
 * page runs.
 *
 * @param {string} folder is emptied first
 */
export async function buildWeb(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(`${folder}/assets`, { recursive: true });
  // The worker first: the page's script holds its name.
  const packages = new Set();
  const worker = await bundle(folder, `${SOURCE}/worker/previewWorker.ts`, packages);
  const script = await bundle(folder, `${SOURCE}/main.ts`, packages, { WORKER_URL: JSON.stringify(worker) });
  const style = await bundle(folder, `${SOURCE}/page.css`, packages);
  const icon = await bundle(folder, `${SOURCE}/icon.svg`, packages);
  const page = readFileSync(`${SOURCE}/index.html`, 'utf8')
    .replace('SCRIPT_URL', script)
    .replace('STYLE_URL', style)
    .replace('ICON_URL', icon);
  writeFileSync(`${folder}/index.html`, page);
  writeFileSync(`${folder}/LICENSES.txt`, [...packages].sort().map(licence).join('\n'));
}

/**
 * @param {Set<string>} packages is told the folder of each that is bundled
 * @returns the address of the one file that is made
 */
async function bundle(folder, entry, packages, define = {}) {
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    outdir: `${folder}/assets`,
    entryNames: '[name]-[hash]',
    loader: { '.svg': 'copy' },
    bundle: true,
    minify: true,
    format: 'esm',
    target: TARGET,
    legalComments: 'none',
    define: { ...define, ...SHORT_SLICES },
    write: false,
    metafile: true,
    absWorkingDir: ROOT,
    logLevel: 'warning',
  });
  const [file, ...others] = outputFiles;
  if (file === undefined || others.length > 0) throw new Error(`${entry} did not become one file`);
  writeFileSync(file.path, file.contents);
  for (const input of Object.keys(metafile.inputs)) {
    const [own] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input) ?? [];
    if (own !== undefined) packages.add(own);
  }
  return `/assets/${basename(file.path)}`;
}

/** Name, version and licence of a package that is part of the page: whoever hands the page on hands them on too. */
function licence(folder) {
  const { name, version } = JSON.parse(readFileSync(`${ROOT}/${folder}/package.json`, 'utf8'));
  return `${name} ${version}\n\n${readFileSync(`${ROOT}/${folder}/LICENSE`, 'utf8')}`;
}
