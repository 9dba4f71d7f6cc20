// A run in small, for the test that ends it: starts a control plane and a node, says so in one line of JSON, and waits.
// A line on its standard input stops both as the end of a run does.
import { once } from 'node:events';
import { findBinaries } from '../controlPlane/binaries.js';
import { ControlPlane } from '../controlPlane/controlPlane.js';
import { cleanUpWhenInterrupted } from '../support/interruption.js';
import { RunFolder } from '../support/runFolder.js';
import { debianTools } from './debianTools.js';
import { archivePath } from './images/imageArchive.js';
import { Node } from './node.js';
import { SANDBOX } from './sandboxImage.js';
import { sleeper } from './sleeper.js';

const binaries = findBinaries();
const { kubelet } = binaries;
if (kubelet === undefined) throw new Error('there is no kubelet in KUBEBUILDER_ASSETS');
const folder = RunFolder.create();
cleanUpWhenInterrupted(() => folder.finish({ failed: true }));
const controlPlane = await ControlPlane.start({ binaries, folder });
const images = [archivePath(SANDBOX)];
const node = await Node.start({ controlPlane, kubelet, tools: debianTools(), images });
// What runs has mounts, cgroups and processes of its own.
await controlPlane.api('POST', '/api/v1/namespaces/default/pods', sleeper('held', SANDBOX.name));
await controlPlane.kubectlOutput(['wait', 'pod/held', '--for=condition=Ready', '--timeout=30s']);
process.stdout.write(`${JSON.stringify({ pid: process.pid, folder: folder.path })}\n`);
await once(process.stdin, 'data');
await node.stop();
await controlPlane.stop();
process.exit();
