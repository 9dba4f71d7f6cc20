import type { CapabilitySets, Observation, ObservedProcess } from '../../../src/learn/observation.js';

const NONE: CapabilitySets = { inheritable: [], permitted: [], effective: [], bounding: [], ambient: [] };

function processOf(pid: number, uid: number, ppid: number): ObservedProcess {
  const ids = { real: uid, effective: uid, saved: uid, fs: uid };
  return {
    pid,
    ppid,
    name: 'program',
    exe: '/usr/bin/program',
    exeMode: 0o755,
    exeUid: 0,
    uid: ids,
    gid: ids,
    groups: [],
    capabilities: NONE,
    noNewPrivileges: false,
    seccomp: 0,
    ownUserNamespace: false,
    isFromOutside: false,
  };
}

/** A program that began as root, runs as 999, has written its pid file and listens on port 80. */
export function observationOf(given: Partial<Observation> = {}): Observation {
  return {
    namespace: 'shop',
    pod: 'web-0',
    container: 'app',
    image: 'registry.example/shop/web:1',
    way: 'exec',
    wayText: 'a script in its shell',
    at: '2026-01-01T00:10:00.000Z',
    ageSeconds: 600,
    startUid: 0,
    processes: [processOf(1, 0, 0), processOf(7, 999, 1)],
    written: [
      {
        path: '/run/program.pid',
        kind: 'file',
        uid: 0,
        gid: 0,
        mode: 0o644,
        size: 3,
        modified: 1_767_225_600,
        how: 'newer',
      },
    ],
    writtenCut: false,
    directories: [{ path: '/run', uid: 0, gid: 0, mode: 0o755, entries: [] }],
    guarded: [],
    mounts: [{ path: '/', type: 'overlay', readOnly: false, of: 'root' }],
    listeners: [{ protocol: 'tcp', port: 80, uid: 0, isOurs: true }],
    fileCapabilities: {},
    memory: {},
    missing: [],
    ...given,
  };
}
