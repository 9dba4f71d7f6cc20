import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { OLDEST_NODE } from '../../src/nodeVersion.js';
import { bundleCli, packageVersion } from './bundle.js';
import { thirdPartyLicenses } from './licenses.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ARCHIVE = 'kubectl-harden.tar.gz';

/** Krew links to it by the plugin's name, and the chunks lie where it really is. */
const LAUNCHER = `#!/bin/sh
file=$0
while [ -L "$file" ]; do
  target=$(readlink "$file")
  case $target in
    /*) file=$target ;;
    *) file=$(dirname "$file")/$target ;;
  esac
done
command -v node >/dev/null 2>&1 || {
  echo 'error: kubectl harden needs Node.js ${OLDEST_NODE} or newer in PATH (https://nodejs.org)' >&2
  exit 2
}
exec node "$(dirname "$file")/dist/kubectl-harden.js" "$@"
`;

export interface KrewRelease {
  readonly archive: string;
  readonly manifest: string;
}

/**
 * Writes the plugin's archive and its manifest for Krew.
 *
 * @param folder where they go; made where it is not there
 * @param repository the URL on GitHub below which the release will be
 */
export async function writeKrewRelease(folder: string, repository: string): Promise<KrewRelease> {
  const version = `v${packageVersion()}`;
  const bytes = await archive();
  mkdirSync(folder, { recursive: true });
  const release = { archive: join(folder, ARCHIVE), manifest: join(folder, 'harden.yaml') };
  writeFileSync(release.archive, bytes);
  const values: Readonly<Record<string, string>> = {
    version,
    repository,
    node: OLDEST_NODE,
    uri: `${repository}/releases/download/${version}/${ARCHIVE}`,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
  const template = readFileSync(join(ROOT, 'manifests/krew/harden.yaml'), 'utf8').replace(/^#.*\n/gm, '');
  writeFileSync(
    release.manifest,
    template.replaceAll(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole),
  );
  return release;
}

async function archive(): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'kube-harden-krew-'));
  try {
    const metafile = await bundleCli(join(folder, 'dist'));
    writeFileSync(join(folder, 'kubectl-harden'), LAUNCHER, { mode: 0o755 });
    writeFileSync(
      join(folder, 'package.json'),
      `${JSON.stringify({ name: 'kube-harden', version: packageVersion(), type: 'module' })}\n`,
    );
    copyFileSync(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'));
    writeFileSync(join(folder, 'THIRD-PARTY-LICENSES.txt'), thirdPartyLicenses(metafile));
    // SARIF tells of each rule what its page says.
    cpSync(join(ROOT, 'docs/rules'), join(folder, 'docs/rules'), {
      recursive: true,
      filter: (path) => basename(path) !== 'examples',
    });
    // No dates and owners, so that the same sources give the same sha256.
    const same = [
      '--sort=name',
      '--mtime=@0',
      '--owner=0',
      '--group=0',
      '--numeric-owner',
      '--mode=u=rwX,go=rX',
    ];
    const tar = execFileSync('tar', ['-C', folder, ...same, '-cf', '-', '.'], {
      maxBuffer: 256 * 1024 * 1024,
    });
    return gzipSync(tar, { level: 9 });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
