#!/usr/bin/env node
import { enableCompileCache } from './compileCache.js';
import { basename } from 'node:path';

enableCompileCache();

// A reader that has seen enough (`kube-harden rules | head -1`) is no error; a full disk is one, but never a crash:
// `serve` goes on without its log.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') process.exitCode = 2;
  });
}

const { run } = await import('./cli/run.js');
const called = basename(process.argv[1] ?? '').replace(/\.[cm]?[jt]s$/, '');
process.exitCode = await run(
  called === 'kubectl-harden' ? 'kubectl harden' : 'kube-harden',
  process.argv.slice(2),
);
