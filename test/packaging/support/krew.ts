import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE } from './programs.js';

const VERSION = 'v0.4.3';

/**
 * Krew, and the program by which its index checks manifests: built from the Go module proxy the first time (40 s), kept
 * in the cache.
 *
 * @returns the folder that holds `krew` and `validate-krew-manifest`
 */
export function krewPrograms(): string {
  const folder = join(CACHE, `krew-${VERSION}`);
  if (existsSync(folder)) return folder;
  mkdirSync(CACHE, { recursive: true });
  const building = mkdtempSync(join(CACHE, 'krew-building-'));
  try {
    const commands = ['krew', 'validate-krew-manifest'].map(
      (name) => `sigs.k8s.io/krew/cmd/${name}@${VERSION}`,
    );
    execFileSync('go', ['install', ...commands], {
      env: { ...process.env, GOBIN: building, GOFLAGS: '-mod=mod' },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    renameSync(building, folder);
  } catch (error) {
    rmSync(building, { recursive: true, force: true });
    throw error;
  }
  return folder;
}
