import { expect } from 'chai';
import { match } from '../../src/doctor/match.js';
import { PodView } from '../../src/doctor/podView.js';
import { SIGNATURES } from '../../src/doctor/signatures.generated.js';
import { writtenFields } from '../../src/doctor/written.js';
import { readSignatures } from '../../scripts/generated/signatures.js';
import { factsOf } from './sayingPods.js';

const facts = factsOf({});
const scene = { pod: new PodView(facts.pod), facts, written: writtenFields(facts) };

/** The signature that is seen in a text of the container. */
function seen(text: string, reason?: string): string | undefined {
  const [container] = scene.pod.containers;
  const source = reason === undefined ? 'log' : 'status';
  return match({ source, at: '', container, reason, text, isOfDead: true }, scene)?.signature.id;
}

/** For each signature a text by which it is known, with the reason beside it. */
const EXAMPLES: Readonly<Record<string, readonly [text: string, reason?: string]>> = {
  'kubelet-run-as-non-root': [
    'container has runAsNonRoot and image will run as root (pod: "x", container: web)',
    'CreateContainerConfigError',
  ],
  'out-of-memory': ['exit code 137', 'OOMKilled'],
  'out-of-memory-at-start': [
    'runc create failed: unable to start container process: container init was OOM-killed (memory limit too low?)',
    'StartError',
  ],
  'evicted-empty-dir': ['Usage of EmptyDir volume "cache" exceeds the limit "1Gi". ', 'Evicted'],
  'evicted-ephemeral-storage': [
    'Container web exceeded its local ephemeral storage limit "1Gi". ',
    'Evicted',
  ],
  'node-pressure': ['The node was low on resource: memory. ', 'Evicted'],
  'insufficient-cpu': ['0/3 nodes are available: 3 Insufficient cpu.', 'Unschedulable'],
  'insufficient-memory': ['0/3 nodes are available: 3 Insufficient memory.', 'FailedScheduling'],
  'insufficient-ephemeral-storage': ['3 Insufficient ephemeral-storage.', 'Unschedulable'],
  'no-matching-node': ["1 node(s) didn't match Pod's node affinity/selector.", 'Unschedulable'],
  'supplemental-groups-not-supported': [
    'SupplementalGroupsPolicy=Strict is not supported in this node',
    'SupplementalGroupsPolicyNotSupported',
  ],
  'apparmor-not-enforced': ['Cannot enforce AppArmor: AppArmor is not enabled on the host', 'AppArmor'],
  'sysctl-forbidden': ['forbidden sysctl: "net.ipv4.ip_unprivileged_port_start"', 'SysctlForbidden'],
  'sysctl-missing': [
    'open /proc/sys/net/ipv4/ip_unprivileged_port_start: no such file or directory',
    'FailedCreatePodSandBox',
  ],
  'user-namespace-not-possible': [
    "can't set `spec.hostUsers: false`, runtime does not support user namespaces",
    'FailedCreatePodSandBox',
  ],
  'image-asked-for-anew': ['pull access denied', 'ErrImagePull'],
  'probe-timed-out': ['Liveness probe failed: context deadline exceeded', 'Unhealthy'],
  'killed-by-seccomp': ['exit code 159', 'Error'],
  'refused-by-a-server': ['FATAL:  password authentication failed for user "app"'],
  'disk-full': ['write /data/x: no space left on device'],
  'token-missing': ['open /var/run/secrets/kubernetes.io/serviceaccount/token: no such file or directory'],
  'service-variable-missing': ['sh: REDIS_SERVICE_HOST: unbound variable'],
  'no-new-privileges': ['sudo: The "no new privileges" flag is set'],
  'user-namespace-refused': ['bwrap: No permissions to create new namespace'],
  'bind-low-port': ['(13)Permission denied: AH00072: make_sock: could not bind to address 0.0.0.0:80'],
  'raw-socket': ['ping: socktype: SOCK_RAW, Operation not permitted'],
  'namespace-call-refused': ['unshare: unshare failed: Operation not permitted'],
  'seccomp-call-refused': ['mbind: Operation not permitted'],
  'set-user': ['setgid(101) failed (1: Operation not permitted)'],
  'change-owner': ['chown("/run", 101) failed (1: Operation not permitted)'],
  'change-mode': [
    'could not change permissions of directory "/var/lib/postgresql/data": Operation not permitted',
  ],
  'exec-file-capability': ['exec /usr/bin/caddy: operation not permitted'],
  'root-call-refused': ['mknod: /x/null: Operation not permitted'],
  'exec-in-private-directory': ['exec: "/root/app": permission denied: unknown'],
  'exec-permission-denied': ['exec: "/app/run.sh": permission denied: unknown'],
  'read-only-file-system': ['mkdir: cannot create directory ‘/x’: Read-only file system'],
  'no-temporary-directory': [
    "FileNotFoundError: [Errno 2] No usable temporary directory found in ['/tmp', '/var/tmp']",
  ],
  'database-read-only': ['OperationalError: attempt to write a readonly database'],
  'content-hidden': ['cat: /tmp/part/of/the/image: No such file or directory'],
  'permission-denied': ['cat: /data/key: Permission denied'],
  'not-permitted': ['app: cannot open /x: Operation not permitted'],
  'cannot-write': ['SEVERE Unable to create directory for deployment: [/usr/local/app/conf/x]'],
  'address-not-here': ['nc: Cannot assign requested address'],
  'process-not-here': ['kill: (4711): No such process'],
  'user-unknown': ['sudo: you do not exist in the passwd database'],
  'must-be-root': ['fatal: this program must be run as root'],
  'mode-too-open': ['FATAL:  data directory "/var/lib/postgresql/data" has invalid permissions'],
  'child-killed': ['LOG:  server process (PID 71) was terminated by signal 9: Killed'],
  'heap-from-limit': ['java.lang.OutOfMemoryError: Java heap space'],
};

describe('signatures', () => {
  for (const { id } of SIGNATURES) {
    it(`${id} is seen in a text`, () => {
      const [text, reason] = EXAMPLES[id] ?? [''];
      expect(seen(text, reason)).to.equal(id);
    });
  }

  it('of the file are those that are compiled', () => {
    expect(readSignatures().signatures.map(({ id }) => id)).to.deep.equal(SIGNATURES.map(({ id }) => id));
    expect(Object.keys(EXAMPLES)).to.have.members(SIGNATURES.map(({ id }) => id));
  });

  it('need no more time for hostile lines than for others of their length', () => {
    const HOSTILE = [
      'a'.repeat(65536),
      '/'.repeat(65536),
      '/a'.repeat(32768),
      ' "/x'.repeat(16384),
      'permission denied '.repeat(3640),
      '_SERVICE_'.repeat(7281),
      'A_'.repeat(32768),
      `${'{'.repeat(32768)}${'}'.repeat(32768)}`,
      `{"a":"${'x '.repeat(32700)}"}`,
      '(('.repeat(32768),
      'failed to create '.repeat(3855),
      '1.1.1.1:'.repeat(8192),
      'exec '.repeat(13107),
      'password='.repeat(7281),
    ];
    const started = process.cpuUsage();
    for (const line of HOSTILE) seen(line);
    const { user } = process.cpuUsage(started);
    // Microseconds for 14 lines; a pattern that takes the square of a line's length needs a hundred times that.
    expect(user).to.be.below(2_000_000);
  });
});
