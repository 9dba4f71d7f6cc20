import { homedir } from 'node:os';
import { join } from 'node:path';
import { debianPackage } from '../controlPlane/debianPackage.js';

/** Where the programs of which the node consists lie, and those with which its images are made. */
export interface ToolPaths {
  readonly containerd: string;
  readonly ctr: string;
  /** The folder of containerd-shim-runc-v2, which containerd looks for on PATH. */
  readonly shimFolder: string;
  readonly runc: string;
  /** The folder of the CNI plugins: bridge, host-local, loopback. */
  readonly cniPlugins: string;
  readonly debootstrap: string;
  /** What debootstrap needs as DEBOOTSTRAP_DIR, since it does not lie in /usr/share. */
  readonly debootstrapFolder: string;
}

/**
 * Debian's packages, unpacked into the cache: nothing is installed on the machine.
 *
 * @param cacheFolder - that of the control plane's binaries
 * @throws BinariesError naming what is missing
 */
export function debianTools(
  cacheFolder = join(homedir(), '.cache', 'kube-harden'),
  say: (line: string) => void = () => undefined,
): ToolPaths {
  const folderOf = (name: string): string => debianPackage(name, { cacheFolder, env: process.env, say });
  const containerd = join(folderOf('containerd'), 'usr', 'bin');
  const debootstrap = join(folderOf('debootstrap'), 'usr');
  return {
    containerd: join(containerd, 'containerd'),
    ctr: join(containerd, 'ctr'),
    shimFolder: containerd,
    runc: join(folderOf('runc'), 'usr', 'sbin', 'runc'),
    cniPlugins: join(folderOf('containernetworking-plugins'), 'usr', 'lib', 'cni'),
    debootstrap: join(debootstrap, 'sbin', 'debootstrap'),
    debootstrapFolder: join(debootstrap, 'share', 'debootstrap'),
  };
}
