/** The capabilities that a program file carries (`setcap`), in Kubernetes' spelling. */
export interface FileCapability {
  /** What the process gets, as far as its bounding set has it. */
  readonly permitted: readonly string[];
  /**
   * The kernel puts them into effect at once, and refuses to start the program where the bounding set lacks one of them:
   * `operation not permitted`. Else the program raises them itself, and starts without.
   */
  readonly effective: boolean;
}

/** By bit. Source: Linux 6.18, include/uapi/linux/capability.h. */
const NAMES = [
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'LINUX_IMMUTABLE',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_ADMIN',
  'NET_RAW',
  'IPC_LOCK',
  'IPC_OWNER',
  'SYS_MODULE',
  'SYS_RAWIO',
  'SYS_CHROOT',
  'SYS_PTRACE',
  'SYS_PACCT',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_NICE',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'MKNOD',
  'LEASE',
  'AUDIT_WRITE',
  'AUDIT_CONTROL',
  'SETFCAP',
  'MAC_OVERRIDE',
  'MAC_ADMIN',
  'SYSLOG',
  'WAKE_ALARM',
  'BLOCK_SUSPEND',
  'AUDIT_READ',
  'PERFMON',
  'BPF',
  'CHECKPOINT_RESTORE',
] as const;

const REVISION_2 = 2;
const REVISION_3 = 3;
const EFFECTIVE = 1;

/**
 * Reads the attribute `security.capability`: `vfs_cap_data` of revision 2, or of 3, which adds the uid of the user
 * namespace's root for which it holds.
 * @returns undefined where it is neither, or grants nothing; kernels have written nothing older since 2.6.25
 */
export function parseFileCapability(attribute: Buffer): FileCapability | undefined {
  if (attribute.length < 4) return undefined;
  const magic = attribute.readUInt32LE(0);
  const revision = magic >>> 24;
  const size = revision === REVISION_2 ? 20 : revision === REVISION_3 ? 24 : undefined;
  if (size === undefined || attribute.length < size) return undefined;
  // Two words of 32 bits, each beside one of the inheritable set, which does nothing for a container's process.
  const bits = BigInt(attribute.readUInt32LE(4)) | (BigInt(attribute.readUInt32LE(12)) << 32n);
  const permitted = capabilitiesOf(bits);
  return permitted.length === 0 ? undefined : { permitted, effective: (magic & EFFECTIVE) !== 0 };
}

/** The capabilities of a set as the kernel writes it (`CapEff` of /proc/PID/status), in Kubernetes' spelling. */
export function capabilitiesOf(bits: bigint): string[] {
  return Array.from({ length: 64 }, (_, bit) => bit)
    .filter((bit) => (bits & (1n << BigInt(bit))) !== 0n)
    .map((bit) => NAMES[bit] ?? `capability ${bit}`);
}
