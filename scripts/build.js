// Compiles src/ to dist/, and bundles the preview page into dist/web. Starts from nothing, so that a deleted file does
// not live on in a package.
import { execFileSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildWeb } from './buildWeb.js';

const root = fileURLToPath(new URL('..', import.meta.url));
rmSync(`${root}/dist`, { recursive: true, force: true });
execFileSync(
  process.execPath,
  [`${root}/node_modules/typescript/bin/tsc`, '-p', `${root}/tsconfig.build.json`],
  {
    stdio: 'inherit',
  },
);
chmodSync(`${root}/dist/main.js`, 0o755);
await buildWeb(`${root}/dist/web`);
