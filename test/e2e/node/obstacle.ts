import { spawnSync } from 'node:child_process';
import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { onPath } from '../controlPlane/onPath.js';
import { cgroupObstacle, nodeCgroup } from './cgroups.js';

/** Of util-linux, mount, iproute2, findutils, and wget for debootstrap; what comes from Debian's packages is not among them. */
const PROGRAMS = ['unshare', 'nsenter', 'mount', 'ip', 'find', 'wget'];
const NAMESPACES = ['--mount', '--net', '--uts', '--ipc', '--pid', '--fork', '--kill-child', '--mount-proc'];

/** Why no node can run on this machine, in one line; undefined where one can. Takes nothing from the network. */
export function obstacle(): string | undefined {
  if (process.platform !== 'linux') return `it needs Linux, and this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'it needs root';
  const missing = PROGRAMS.filter((name) => onPath(name, process.env) === undefined);
  if (missing.length > 0) return `there is no ${missing.join(', no ')} on PATH`;
  return namespaceObstacle() ?? cgroupObstacle() ?? cgroupFolderObstacle();
}

function namespaceObstacle(): string | undefined {
  const probe = [...NAMESPACES, 'sh', join(import.meta.dirname, 'probe.sh')];
  const { status, stdout, stderr } = spawnSync('unshare', probe, { encoding: 'utf8' });
  if (status === 0) return undefined;
  return (stdout.trim() || stderr.trim()).replaceAll('\n', ' ');
}

/** In a container the hierarchies are often mounted read-only. */
function cgroupFolderObstacle(): string | undefined {
  const { folders } = nodeCgroup(`kube-harden-e2e-probe-${process.pid}`);
  for (const folder of folders) {
    try {
      mkdirSync(folder);
      rmdirSync(folder);
    } catch (error) {
      return `no cgroup can be made: ${(error as Error).message}`;
    }
  }
  return undefined;
}
