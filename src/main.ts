#!/usr/bin/env node
import { basename } from 'node:path';
import { startProcess } from './startProcess.js';

const called = basename(process.argv[1] ?? '').replace(/\.[cm]?[jt]s$/, '');
await startProcess(called === 'kubectl-harden' ? 'kubectl harden' : 'kube-harden', process.argv.slice(2));
