// Compiles a benchmark with everything it imports and runs it on plain JavaScript: what a loader for TypeScript adds
// to every function (it keeps their names) must not be measured.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const [name] = process.argv.slice(2);
const root = fileURLToPath(new URL('..', import.meta.url));
const outfile = `${root}/.cache/bench/${name}.mjs`;
await build({
  entryPoints: [`${root}/test/bench/${name}.ts`],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
});
execFileSync(process.execPath, [outfile], { stdio: 'inherit' });
