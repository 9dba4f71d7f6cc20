import { build, type Metafile } from 'esbuild';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OLDEST_NODE } from '../../src/nodeVersion.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Packages that are CommonJS ask for others by `require`, which a module does not have. */
const REQUIRE = `import { createRequire as nodeCreateRequire } from 'node:module';
const require = nodeCreateRequire(import.meta.url);`;

/**
 * Bundles the command line with all that it imports: `kubectl-harden.js`, `kubectl_complete-harden.js` and the chunks that they load when
 * they need them. It runs without node_modules, and finds its files as dist/ does: `../package.json`, `../docs/rules`.
 *
 * @param packages `external`: those in node_modules stay there, which takes a tenth of the time, for tests
 */
export async function bundleCli(
  folder: string,
  { packages = 'bundle' }: { readonly packages?: 'bundle' | 'external' } = {},
): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: { 'kubectl-harden': 'src/main.ts', 'kubectl_complete-harden': 'src/kubectlComplete.ts' },
    outdir: folder,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    packages,
    splitting: true,
    minifySyntax: true,
    minifyWhitespace: true,
    format: 'esm',
    platform: 'node',
    target: `node${OLDEST_NODE}`,
    banner: { js: REQUIRE },
    legalComments: 'none',
    metafile: true,
    logLevel: 'error',
  });
  return metafile;
}

/** As package.json says. */
export function packageVersion(): string {
  return (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version;
}
