// A run in small, for the test that kills it: starts a control plane, says so in one line of JSON, and waits.
import { ControlPlane } from '../controlPlane/controlPlane.js';
import { cleanUpWhenInterrupted } from './interruption.js';
import { RunFolder } from './runFolder.js';

const folder = RunFolder.create();
cleanUpWhenInterrupted(() => folder.finish({ failed: true }));
await ControlPlane.start({ folder });
process.stdout.write(`${JSON.stringify({ folder: folder.path })}\n`);
setInterval(() => undefined, 60_000);
