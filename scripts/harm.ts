/*
 * Runs every program on a real node, as it is, hardened naively and by kube-harden, and writes what came of it into
 * docs/programs.md, and its bottom line into README: npm run harm. Needs what `make e2e-node` needs; its exit code is that of the tests.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Results } from '../test/e2e/node/results.js';
import { programsPage, withBottomLine } from './harm/programsPage.js';

const ROOT = join(import.meta.dirname, '..');
const PAGE = join(ROOT, 'docs', 'programs.md');
const README = join(ROOT, 'README.md');

const folder = mkdtempSync(join(tmpdir(), 'kube-harden-harm-'));
const file = join(folder, 'results.json');
const make = spawn('make', ['--no-print-directory', 'e2e-node'], {
  cwd: ROOT,
  env: { ...process.env, E2E_NODE_PROGRAMS: 'all', E2E_NODE_RESULTS: file },
  stdio: 'inherit',
});
// Ctrl-C reaches the tests as well, which clean up and end: this waits for them.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => make.kill(signal));
make.on('close', (code) => {
  if (existsSync(file)) {
    const page = programsPage(JSON.parse(readFileSync(file, 'utf8')) as Results);
    writeFileSync(PAGE, page);
    writeFileSync(README, withBottomLine(readFileSync(README, 'utf8'), page));
    console.log(`wrote ${PAGE}`);
  }
  rmSync(folder, { recursive: true });
  process.exitCode = code ?? 1;
});
