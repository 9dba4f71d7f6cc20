import { expect } from 'chai';
import { diagnosePod } from '../../src/doctor/diagnosePod.js';
import type { Certainty } from '../../src/doctor/finding.js';
import type { RuleId } from '../../src/hardening/rule.js';
import type { HardenOptions } from '../support/harden.js';
import { container, crashed, factsOf, NOW, pod, running, waiting, type Said } from './sayingPods.js';

interface Case extends Said {
  readonly title: string;
  /** What is found, the first first: `likely readOnlyRootFilesystem`. */
  readonly finds: readonly `${Certainty} ${RuleId}`[];
}

function found(said: Said): string[] {
  return diagnosePod(factsOf(said), NOW).findings.map(({ certainty, rule }) => `${certainty} ${rule}`);
}

const ROOT = pod({ containers: [container({ securityContext: { runAsUser: 0 } })] });
const ALONE = (rule: RuleId): HardenOptions => ({ rules: { [rule]: 'Default' } });

const LINES: readonly Case[] = [
  {
    title: 'a path on the root file system that is read-only',
    log: ['nginx: [emerg] open() "/run/nginx.pid" failed (30: Read-only file system)'],
    finds: ['likely readOnlyRootFilesystem'],
  },
  {
    title: 'the same in a structured log',
    log: ['{"level":"error","ts":1,"msg":"cannot start","error":"open /run/app.pid: read-only file system"}'],
    finds: ['likely readOnlyRootFilesystem'],
  },
  {
    title: 'the same as a number alone',
    log: ['{"level":50,"err":{"errno":-30,"syscall":"open","path":"/var/cache/x"},"msg":"start"}'],
    finds: ['likely readOnlyRootFilesystem'],
  },
  {
    title: "a mount that its author made read-only is the author's",
    author: pod({
      containers: [container({ volumeMounts: [{ name: 'data', mountPath: '/data', readOnly: true }] })],
      volumes: [{ name: 'data', emptyDir: {} }],
    }),
    log: ['sh: 1: cannot create /data/state: Read-only file system'],
    finds: [],
  },
  {
    title: 'a low port as another user',
    log: ['nginx: [emerg] bind() to 0.0.0.0:80 failed (13: Permission denied)'],
    finds: ['likely runAsUser'],
  },
  {
    title: 'a low port as root without capabilities',
    author: ROOT,
    options: { rules: { capabilities: 'Override' } },
    log: [
      '[ALERT] Cannot bind socket (Permission denied) for [0.0.0.0:80]',
      'bind: 0.0.0.0:80: Permission denied',
    ],
    finds: ['likely capabilities'],
  },
  {
    title: 'a high port is no matter of ours',
    options: ALONE('capabilities'),
    author: ROOT,
    log: ['bind() to 0.0.0.0:8080 failed (98: Address already in use)'],
    finds: [],
  },
  {
    title: 'a file of a Secret that only root may read',
    author: pod({
      containers: [container({ volumeMounts: [{ name: 'key', mountPath: '/etc/key' }] })],
      volumes: [{ name: 'key', secret: { secretName: 'key', defaultMode: 0o400 } }],
    }),
    log: ['cat: /etc/key/tls.key: Permission denied'],
    finds: ['likely runAsUser'],
  },
  {
    title: "the same with the author's own user",
    author: pod({
      containers: [
        container({
          securityContext: { runAsUser: 1000 },
          volumeMounts: [{ name: 'key', mountPath: '/etc/key' }],
        }),
      ],
      volumes: [{ name: 'key', secret: { secretName: 'key', defaultMode: 0o400 } }],
    }),
    log: ['cat: /etc/key/tls.key: Permission denied'],
    finds: [],
  },
  {
    title: 'a change of owner as another user',
    log: ["chown: changing ownership of '/var/lib/data': Operation not permitted"],
    finds: ['likely runAsUser'],
  },
  {
    title: 'a change of owner as root without capabilities',
    author: ROOT,
    options: { rules: { capabilities: 'Override' } },
    log: ["chown: changing ownership of '/var/lib/data': Operation not permitted"],
    finds: ['likely capabilities'],
  },
  {
    title: 'a drop of privileges as root without capabilities',
    author: ROOT,
    options: { rules: { capabilities: 'Override' } },
    log: ['error: failed switching to "app": operation not permitted'],
    finds: ['likely capabilities'],
  },
  {
    title: 'a set-uid program without new privileges',
    log: ['sudo: The "no new privileges" flag is set, which prevents sudo from running as root.'],
    finds: ['likely allowPrivilegeEscalation'],
  },
  {
    title: 'a sandbox under seccomp',
    log: [
      'bwrap: No permissions to create new namespace, likely because the kernel does not allow non-privileged user namespaces.',
    ],
    finds: ['likely seccompProfile'],
  },
  {
    title: 'a program whose file has a capability',
    log: ['exec /usr/bin/caddy: operation not permitted'],
    finds: ['likely capabilities'],
  },
  {
    title: 'a user that the image does not know',
    log: ["KeyError: 'getpwuid(): uid not found: 65532'"],
    finds: ['likely runAsUser'],
  },
  {
    title: 'the heap that a runtime sizes by our limit',
    log: ['Exception in thread "main" java.lang.OutOfMemoryError: Java heap space'],
    finds: ['likely resources'],
  },
  {
    title: "the heap that a runtime sizes by the author's limit",
    author: pod({ containers: [container({ resources: { limits: { memory: '128Mi' } } })] }),
    log: ['Exception in thread "main" java.lang.OutOfMemoryError: Java heap space'],
    finds: [],
  },
  {
    title: 'files to which fsGroup gives the group access',
    log: ['FATAL:  data directory "/var/lib/postgresql/data" has invalid permissions'],
    finds: ['likely runAsUser'],
  },
  {
    title: 'a process that is killed at the default limit',
    log: ['LOG:  server process (PID 71) was terminated by signal 9: Killed'],
    finds: ['likely resources'],
  },
  {
    title: 'a token that is not mounted',
    options: ALONE('automountServiceAccountToken'),
    log: ['open /var/run/secrets/kubernetes.io/serviceaccount/token: no such file or directory'],
    finds: ['likely automountServiceAccountToken'],
  },
  {
    title: 'variables of Services',
    author: pod({ enableServiceLinks: true }),
    options: { rules: { enableServiceLinks: 'Override' } },
    log: ["KeyError: 'REDIS_SERVICE_HOST'"],
    finds: ['likely enableServiceLinks'],
  },
  {
    title: 'a database, a remote user, a shell key: another server refused',
    log: [
      'psql: error: FATAL:  password authentication failed for user "app"',
      "ERROR 1045 (28000): Access denied for user 'app'@'10.0.0.1' (using password: YES)",
      'git@example.com: Permission denied (publickey).',
      'ERROR:  permission denied for table orders',
      'rpc error: code = PermissionDenied desc = caller may not list orders',
      'HTTP 403 Forbidden: permission denied',
    ],
    finds: [],
  },
  {
    title: "the program's own users",
    log: ['permission denied: user alice lacks the role editor', 'ERROR login of alice: permission denied'],
    finds: [],
  },
  {
    title: 'a full disk, a missing file, a syntax error, a dependency that is down',
    log: [
      'write /var/lib/data/x: no space left on device',
      "FileNotFoundError: [Errno 2] No such file or directory: '/etc/shop/settings.toml'",
      'nginx: [emerg] unexpected "}" in /etc/nginx/nginx.conf:12',
      'dial tcp 10.0.0.7:5432: connect: connection refused',
      'panic: runtime error: invalid memory address or nil pointer dereference',
    ],
    finds: [],
  },
  {
    title: 'what a program says in passing',
    log: ['info: can not modify /etc/nginx/conf.d/default.conf (read-only file system?)'],
    finds: ['possible readOnlyRootFilesystem'],
  },
  {
    title: 'of two complaints, the one that it ended with',
    log: [
      'mkdir: cannot create directory /var/log/app: Read-only file system',
      'bind() to 0.0.0.0:80 failed (13: Permission denied)',
    ],
    finds: ['likely runAsUser', 'possible readOnlyRootFilesystem'],
  },
];

describe('the doctor', () => {
  describe('reads logs', () => {
    for (const { title, finds, ...said } of LINES) {
      it(`${title}: ${finds.join(', ') || 'nothing'}`, () => {
        expect(found(said)).to.deep.equal(finds);
      });
    }
  });

  describe('never blames a rule that did not touch the container', () => {
    const other = pod({
      containers: [
        container({ name: 'web' }),
        container({ name: 'own', securityContext: { readOnlyRootFilesystem: true } }),
      ],
    });
    const line = 'mkdir: cannot create directory /var/log/app: Read-only file system';
    for (const [name, finds] of [
      ['web', ['likely readOnlyRootFilesystem']],
      ['own', []],
    ] as const) {
      it(`in ${name}: ${finds.join() || 'nothing'}`, () => {
        const logs = { [name]: { previous: { lines: [line], cut: false } } };
        expect(found({ author: other, logs, status: crashed(name) })).to.deep.equal(finds);
      });
    }

    it('not even where the annotation names it', () => {
      const author = pod(
        { containers: [container({ securityContext: { readOnlyRootFilesystem: true } })] },
        { annotations: { 'kube-harden.io/changed': 'readOnlyRootFilesystem' } },
      );
      expect(found({ author, log: [line] })).to.deep.equal([]);
    });

    it('and finds it without the annotation', () => {
      const facts = factsOf({ log: [line] });
      expect(facts.pod.metadata?.annotations ?? {}).not.to.have.property('kube-harden.io/changed');
      expect(diagnosePod(facts, NOW).findings[0]?.rule).to.equal('readOnlyRootFilesystem');
    });

    it("at most possibly where the author's value is not known", () => {
      expect(found({ log: [line], forgotten: true })).to.deep.equal(['possible readOnlyRootFilesystem']);
    });

    it('nor where the namespace is not hardened and nobody knows what its author wrote', () => {
      const { plan, ...facts } = factsOf({ log: [line], forgotten: true });
      if (!plan) throw new Error('no plan');
      expect(diagnosePod({ ...facts, plan: { ...plan, mode: 'disabled' } }, NOW).findings).to.deep.equal([]);
    });
  });

  describe('takes the word of the kubelet and the scheduler', () => {
    const cases: readonly Case[] = [
      {
        title: 'runAsNonRoot that the rule wrote',
        author: pod({ containers: [container({ securityContext: { runAsUser: 0 } })] }),
        options: { rules: { runAsNonRoot: 'Override', runAsUser: 'Warn' } },
        status: waiting('CreateContainerConfigError', "container's runAsUser breaks non-root policy"),
        finds: [],
      },
      {
        title: 'OOMKilled at the default limit',
        status: {
          phase: 'Running',
          containerStatuses: [
            {
              name: 'web',
              ready: false,
              restartCount: 1,
              state: { terminated: { reason: 'OOMKilled', exitCode: 137 } },
            },
          ],
        },
        finds: ['certain resources'],
      },
      {
        title: "OOMKilled at the author's limit",
        author: pod({ containers: [container({ resources: { limits: { memory: '64Mi' } } })] }),
        status: {
          phase: 'Running',
          containerStatuses: [
            {
              name: 'web',
              ready: false,
              restartCount: 1,
              state: { terminated: { reason: 'OOMKilled', exitCode: 137 } },
            },
          ],
        },
        finds: [],
      },
      {
        title: 'too little CPU for the default request',
        status: {
          phase: 'Pending',
          conditions: [
            {
              type: 'PodScheduled',
              status: 'False',
              reason: 'Unschedulable',
              message: '0/3 nodes are available: 3 Insufficient cpu. preemption: not helpful.',
            },
          ],
        },
        finds: ['certain resources'],
      },
      {
        title: "too little CPU for the author's request",
        author: pod({ containers: [container({ resources: { requests: { cpu: '64' } } })] }),
        status: {
          phase: 'Pending',
          conditions: [
            {
              type: 'PodScheduled',
              status: 'False',
              reason: 'Unschedulable',
              message: '0/3 nodes are available: 3 Insufficient cpu.',
            },
          ],
        },
        finds: [],
      },
      {
        title: 'a node without the labels that the policy asks for',
        options: { rules: { scheduling: { action: 'Default', nodeSelector: { pool: 'shop' } } } },
        status: {
          phase: 'Pending',
          conditions: [
            {
              type: 'PodScheduled',
              status: 'False',
              reason: 'Unschedulable',
              message: "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
            },
          ],
        },
        finds: ['certain scheduling'],
      },
      {
        title: 'a node that ran out of memory',
        status: {
          phase: 'Failed',
          reason: 'Evicted',
          message: 'The node was low on resource: memory. Threshold quantity: 100Mi, available: 12Mi. ',
        },
        finds: [],
      },
      {
        title: 'a Secret that is missing',
        status: waiting('CreateContainerConfigError', 'secret "database" not found'),
        finds: [],
      },
      {
        title: 'an image that is not there',
        status: waiting('ImagePullBackOff', 'Back-off pulling image "web:nope"'),
        finds: [],
      },
      {
        title: 'an image that the registry refuses since it is asked at every start',
        author: pod({ containers: [container({ imagePullPolicy: 'IfNotPresent' })] }),
        options: { rules: { imagePullPolicy: 'Override' } },
        status: waiting('ErrImagePull', 'pull access denied'),
        finds: ['likely imagePullPolicy'],
      },
      {
        title: 'probes that time out under the default CPU limit',
        status: { ...running(), containerStatuses: [{ name: 'web', ready: false, state: { running: {} } }] },
        events: [
          {
            reason: 'Unhealthy',
            message: 'Liveness probe failed: Get "http://10.0.0.5:8080/": context deadline exceeded',
            fieldPath: 'spec.containers{web}',
          },
        ],
        finds: ['possible resources'],
      },
    ];
    for (const { title, finds, ...said } of cases) {
      it(`${title}: ${finds.join(', ') || 'nothing'}`, () => {
        expect(found(said)).to.deep.equal(finds);
      });
    }

    it('says which volume of ours was too small', () => {
      const facts = factsOf({});
      const spec = facts.pod.spec as { volumes: { name: string }[] };
      const name = spec.volumes.find((volume) => volume.name.startsWith('kube-harden-'))?.name ?? '';
      const status = {
        phase: 'Failed',
        reason: 'Evicted',
        message: `Usage of EmptyDir volume "${name}" exceeds the limit "1Gi". `,
      };
      const { findings } = diagnosePod({ ...facts, pod: { ...facts.pod, status } }, NOW);
      expect(findings.map(({ certainty, rule }) => [certainty, rule])).to.deep.equal([
        ['certain', 'readOnlyRootFilesystem'],
      ]);
      expect(findings[0]?.cause).to.contain(`added the volume ${name}`);
      expect(findings[0]?.remedies[0]?.paste).to.contain('sizeLimit: "2Gi"');
    });

    it("not the author's volume", () => {
      const author = pod({
        containers: [container({ volumeMounts: [{ name: 'cache', mountPath: '/cache' }] })],
        volumes: [{ name: 'cache', emptyDir: { sizeLimit: '1Mi' } }],
      });
      const message = 'Usage of EmptyDir volume "cache" exceeds the limit "1Mi". ';
      expect(found({ author, status: { phase: 'Failed', reason: 'Evicted', message } })).to.deep.equal([]);
    });
  });

  describe('tells what is broken from what is not', () => {
    it('a healthy pod has no symptom', () => {
      const diagnosis = diagnosePod(factsOf({ status: running() }), NOW);
      expect(diagnosis).to.include({ state: 'healthy', object: 'pod/shop', namespace: 'shop' });
      expect(diagnosis).not.to.have.any.keys('symptom', 'notHardening');
    });

    it('one that runs and complains is broken', () => {
      const lines = [
        '# Failed opening the temp RDB file temp-1.rdb (in server root dir /data): Permission denied',
      ];
      const logs = { web: { current: { lines, cut: false } } };
      const { state, symptom, findings } = diagnosePod(factsOf({ logs, status: running() }), NOW);
      expect([state, symptom, findings[0]?.rule]).to.deep.equal([
        'broken',
        'Running, and complains',
        'runAsUser',
      ]);
    });

    for (const line of [
      "chmod: changing permissions of '/var/run/postgresql': Operation not permitted",
      "sed: couldn't open temporary file /etc/nginx/sedXy: Read-only file system",
      '/entrypoint.sh: line 12: /etc/app.conf: Read-only file system',
      '10-listen-on-ipv6-by-default.sh: info: can not modify /etc/nginx/conf.d/default.conf (read-only file system?)',
    ])
      it(`one that runs, is ready and got over this is healthy: ${line}`, () => {
        const logs = { web: { current: { lines: [line], cut: false } } };
        const { state, findings } = diagnosePod(factsOf({ logs, status: running() }), NOW);
        expect([state, findings]).to.deep.equal(['healthy', []]);
      });

    it('one of another cause is broken, and the cause is said', () => {
      const status = waiting('CreateContainerConfigError', 'secret "database" not found');
      const { state, notHardening } = diagnosePod(factsOf({ status }), NOW);
      expect(state).to.equal('broken');
      expect(notHardening?.why).to.match(/^The kubelet cannot put the container together/);
      expect(notHardening?.evidence[0]?.text).to.contain('secret "database" not found');
    });

    it('one that hardening did not change says so', () => {
      const { notHardening } = diagnosePod(factsOf({ options: { rules: {} }, log: ['exit'] }), NOW);
      expect(notHardening?.why).to.equal('Hardening changed nothing in this pod.');
    });

    for (const line of [
      'unable to retrieve container logs for containerd://4abe',
      'failed to try resolving symlinks in path "/var/log/pods/shop_web-5fb6-p5p8b_7240583f-b344-415a-a3e1-aa64c1945531/web/2.log": lstat /var/log/pods/shop_web-5fb6-p5p8b_7240583f-b344-415a-a3e1-aa64c1945531/web/2.log: no such file or directory',
      'failed to open log file "/var/log/pods/shop_web-5fb6-p5p8b_7240583f-b344-415a-a3e1-aa64c1945531/web/2.log": open /var/log/pods/shop_web-5fb6-p5p8b_7240583f-b344-415a-a3e1-aa64c1945531/web/2.log: no such file or directory',
    ]) {
      it(`one whose log the kubelet has no more is blamed on nothing: ${line.slice(0, 40)}...`, () => {
        const { state, findings, notHardening, missing } = diagnosePod(factsOf({ log: [line] }), NOW);
        expect([state, findings, notHardening, missing]).to.deep.equal([
          'broken',
          [],
          undefined,
          [`previous log of container "web": ${line}`],
        ]);
      });
    }

    it('a program that cannot open a log file of its own has said so', () => {
      const log = [
        'failed to open log file "/var/log/web/1.log": open /var/log/web/1.log: read-only file system',
      ];
      const { findings } = diagnosePod(factsOf({ log }), NOW);
      expect(findings.map(({ rule }) => rule)).to.deep.equal(['readOnlyRootFilesystem']);
    });

    it('what has been overcome is not told again', () => {
      const past: Said = {
        status: {
          ...running(),
          conditions: [{ type: 'PodScheduled', status: 'True' }],
          containerStatuses: [
            {
              name: 'web',
              ready: true,
              restartCount: 1,
              state: { running: {} },
              lastState: {
                terminated: { reason: 'OOMKilled', exitCode: 137, finishedAt: '2026-05-20T00:00:00Z' },
              },
            },
          ],
        },
        events: [{ reason: 'FailedScheduling', message: '0/1 nodes are available: 1 Insufficient cpu.' }],
        log: ['open /run/x: read-only file system'],
      };
      const { state, findings } = diagnosePod(factsOf(past), NOW);
      expect([state, findings]).to.deep.equal(['healthy', []]);
    });

    it('a pod on a node that is lost', () => {
      const conditions = [
        { type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown', message: 'no status' },
      ];
      const node = { metadata: { name: 'n1' }, status: { conditions } };
      const { notHardening } = diagnosePod({ ...factsOf({ status: { phase: 'Unknown' } }), node }, NOW);
      expect(notHardening).to.deep.equal({
        why: 'The node is not ready.',
        evidence: [
          { source: 'status', at: 'condition Ready of node n1', text: 'NodeStatusUnknown: no status' },
        ],
      });
    });

    it('a pod without a status, and without anything', () => {
      const facts = { ...factsOf({}), pod: { apiVersion: 'v1', kind: 'Pod' } };
      expect(diagnosePod(facts, NOW).findings).to.deep.equal([]);
      const strange = { ...facts, pod: { spec: { containers: null, volumes: null }, status: null } };
      expect(diagnosePod(strange, NOW).state).to.equal('healthy');
    });
  });
});
