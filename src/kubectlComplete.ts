#!/usr/bin/env node
// kubectl looks for kubectl_complete-harden in PATH, and asks it what fits after `kubectl harden`. A file of its own,
// for npm's shims on Windows do not tell by which name they were called.
import { startProcess } from './startProcess.js';

await startProcess('kubectl harden', ['__complete', ...process.argv.slice(2)]);
