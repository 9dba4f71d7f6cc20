import { expect } from 'chai';
import type { Pod } from '../../src/hardening/podSpec.js';
import { evaluatePodSecurity, failedControls } from '../../src/podSecurity/evaluate.js';
import { NEWEST_MINOR } from '../../src/podSecurity/version.js';
import { restrictedContainer, restrictedPod } from './pods.js';

interface Case {
  of: string;
  pod: Pod;
  level: string;
  /** The ids of the controls that block the next level. */
  blockers: string[];
}

const bareContainer = { name: 'web', image: 'registry.k8s.io/pause' };
const DEFAULTS_MISSING = [
  'allowPrivilegeEscalation',
  'capabilities_restricted',
  'runAsNonRoot',
  'seccompProfile_restricted',
];

const CASES: Case[] = [
  {
    of: 'a pod that sets all that restricted asks for',
    pod: restrictedPod(),
    level: 'restricted',
    blockers: [],
  },
  {
    of: 'a pod without any securityContext',
    pod: { spec: { containers: [bareContainer] } },
    level: 'baseline',
    blockers: DEFAULTS_MISSING,
  },
  {
    of: 'a pod whose securityContexts are null',
    pod: {
      metadata: null,
      spec: { securityContext: null, containers: [{ ...bareContainer, securityContext: null }] },
    },
    level: 'baseline',
    blockers: DEFAULTS_MISSING,
  },
  {
    of: 'a privileged pod that restricted would refuse as well: only what blocks baseline',
    pod: {
      spec: { hostPID: true, containers: [{ ...bareContainer, securityContext: { privileged: true } }] },
    },
    level: 'privileged',
    blockers: ['hostNamespaces', 'privileged'],
  },
  {
    of: 'a restricted pod with one unrestricted init container',
    pod: restrictedPod({ initContainers: [bareContainer] }),
    level: 'baseline',
    blockers: ['allowPrivilegeEscalation', 'capabilities_restricted'],
  },
  {
    of: 'a restricted pod with a restricted debug container',
    pod: restrictedPod({ ephemeralContainers: [restrictedContainer('debug')] }),
    level: 'restricted',
    blockers: [],
  },
  {
    of: 'a restricted pod with a bare debug container',
    pod: restrictedPod({ ephemeralContainers: [{ name: 'debug', targetContainerName: 'web' }] }),
    level: 'baseline',
    blockers: ['allowPrivilegeEscalation', 'capabilities_restricted'],
  },
  {
    of: 'a restricted pod with a debug container of kubectl debug --profile=sysadmin',
    pod: restrictedPod({ ephemeralContainers: [{ name: 'debug', securityContext: { privileged: true } }] }),
    level: 'privileged',
    blockers: ['privileged'],
  },
  {
    of: 'a Windows pod that says runAsNonRoot alone',
    pod: {
      spec: { os: { name: 'windows' }, containers: [bareContainer], securityContext: { runAsNonRoot: true } },
    },
    level: 'restricted',
    blockers: [],
  },
  {
    of: 'a Windows pod that says nothing',
    pod: { spec: { os: { name: 'windows' }, containers: [bareContainer] } },
    level: 'baseline',
    blockers: ['runAsNonRoot'],
  },
  {
    of: 'a Windows HostProcess pod',
    pod: {
      spec: {
        os: { name: 'windows' },
        hostNetwork: true,
        containers: [bareContainer],
        securityContext: { windowsOptions: { hostProcess: true } },
      },
    },
    level: 'privileged',
    blockers: ['hostNamespaces', 'windowsHostProcess'],
  },
  {
    of: 'a pod that is Windows only by its nodeSelector: no exemption',
    pod: {
      spec: {
        os: { name: null },
        nodeSelector: { 'kubernetes.io/os': 'windows' },
        containers: [bareContainer],
        securityContext: { runAsNonRoot: true },
      },
    },
    level: 'baseline',
    blockers: ['allowPrivilegeEscalation', 'capabilities_restricted', 'seccompProfile_restricted'],
  },
  {
    of: 'a root pod in a user namespace',
    pod: restrictedPod({ hostUsers: false, securityContext: { runAsNonRoot: false, runAsUser: 0 } }),
    level: 'restricted',
    blockers: [],
  },
  {
    of: 'an unmasked pod in a user namespace',
    pod: restrictedPod({
      hostUsers: false,
      containers: [restrictedContainer('web', { securityContext: { procMount: 'Unmasked' } })],
    }),
    level: 'baseline',
    blockers: ['procMount_restricted'],
  },
  { of: 'an empty spec', pod: { spec: {} }, level: 'restricted', blockers: [] },
  {
    of: 'lists that are null',
    pod: {
      spec: { containers: null, initContainers: null, ephemeralContainers: null, volumes: null, os: null },
    },
    level: 'restricted',
    blockers: [],
  },
];

describe('evaluatePodSecurity', () => {
  for (const { of, pod, level, blockers } of CASES) {
    it(`says ${level} of ${of}`, () => {
      const result = evaluatePodSecurity(pod);
      expect(result.level).to.equal(level);
      expect(result.blockers.map(({ control }) => control)).to.deep.equal(blockers);
    });
  }

  for (const [minor, level] of [
    [36, 'privileged'],
    [37, 'restricted'],
    [38, 'restricted'],
    [undefined, 'restricted'],
  ] as const) {
    const version = minor === undefined ? 'the newest version' : `v1.${minor}`;
    it(`says ${level} by ${version} of a pod with a sysctl that is safe since v1.37`, () => {
      const sysctls = [{ name: 'net.ipv4.tcp_notsent_lowat', value: '1' }];
      expect(evaluatePodSecurity(restrictedPod({ securityContext: { sysctls } }), minor).level).to.equal(
        level,
      );
    });
  }

  it('gives each blocker its level, a message and the fields to change', () => {
    expect(evaluatePodSecurity(restrictedPod({ hostPID: true })).blockers).to.deep.equal([
      {
        control: 'hostNamespaces',
        level: 'baseline',
        message: 'host namespaces (hostPID=true)',
        fields: [{ field: 'spec.hostPID', value: true }],
      },
    ]);
  });

  it('neither throws nor writes, whichever field of a pod is null or missing', () => {
    for (const pod of variants(fullPod())) {
      const before = JSON.stringify(pod);
      for (const minor of [0, NEWEST_MINOR]) {
        expect(() => evaluatePodSecurity(pod, minor), before).not.to.throw();
        expect(() => failedControls(pod, 'restricted', minor), before).not.to.throw();
      }
      expect(JSON.stringify(pod)).to.equal(before);
    }
  });

  it('takes null for unset', () => {
    const nulled = variants(fullPod(), 'null');
    const missing = variants(fullPod(), 'missing');
    expect(nulled).to.have.length(missing.length).above(60);
    nulled.forEach((pod, index) => {
      const other = missing[index] ?? fullPod();
      expect(failedControls(pod, 'restricted'), JSON.stringify(pod)).to.deep.equal(
        failedControls(other, 'restricted'),
      );
    });
  });
});

describe('failedControls', () => {
  const pod: Pod = { spec: { hostIPC: true, containers: [bareContainer] } };

  for (const { level, failed } of [
    { level: 'privileged', failed: [] },
    { level: 'baseline', failed: ['hostNamespaces'] },
    { level: 'restricted', failed: ['hostNamespaces', ...DEFAULTS_MISSING] },
  ] as const) {
    it(`lists at ${level} all that fail there`, () => {
      expect(failedControls(pod, level).map(({ control }) => control)).to.deep.equal(failed);
    });
  }
});

/** A pod that uses every field which a control reads, and fails most controls. */
function fullPod(): Pod {
  const securityContext = {
    runAsUser: 0,
    runAsNonRoot: false,
    seccompProfile: { type: 'Unconfined' },
    appArmorProfile: { type: 'Unconfined' },
    seLinuxOptions: { type: 'spc_t', user: 'root', role: 'system_r' },
    windowsOptions: { hostProcess: true },
  };
  const handler = { httpGet: { host: 'a' }, tcpSocket: { host: 'b' } };
  const container = {
    name: 'web',
    ports: [{ hostPort: 80 }],
    livenessProbe: handler,
    readinessProbe: handler,
    startupProbe: handler,
    lifecycle: { postStart: handler, preStop: handler },
    securityContext: {
      ...securityContext,
      privileged: true,
      allowPrivilegeEscalation: true,
      procMount: 'Unmasked',
      capabilities: { add: ['NET_RAW'], drop: ['KILL'] },
    },
  };
  return structuredClone({
    metadata: { annotations: { 'container.apparmor.security.beta.kubernetes.io/web': 'unconfined' } },
    spec: {
      os: { name: 'linux' },
      hostNetwork: true,
      hostPID: true,
      hostIPC: true,
      hostUsers: true,
      containers: [container],
      initContainers: [container],
      ephemeralContainers: [container],
      volumes: [{ name: 'etc', hostPath: {} }],
      securityContext: { ...securityContext, sysctls: [{ name: 'kernel.msgmax', value: '1' }] },
    },
  });
}

/** The pod, once for each field below `metadata` and `spec`, with that field null or missing. */
function variants(pod: Pod, as?: 'null' | 'missing'): Pod[] {
  const kinds = as ? [as] : (['null', 'missing'] as const);
  return kinds.flatMap((kind) =>
    fieldPaths(pod).map((path) => {
      const copy = structuredClone(pod);
      const parent = path
        .slice(0, -1)
        .reduce<object>((node, key) => (node as Record<string, object>)[key] ?? {}, copy);
      const key = path.at(-1) ?? '';
      if (kind === 'null') Reflect.set(parent, key, null);
      else Reflect.deleteProperty(parent, key);
      return copy;
    }),
  );
}

/** Every field of an object but `spec` itself; list items are walked through, and stay. */
function fieldPaths(node: unknown, path: string[] = []): string[][] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) => {
    const here = [...path, key];
    const isField = !Array.isArray(node) && key !== 'spec';
    return [...(isField ? [here] : []), ...fieldPaths(value, here)];
  });
}
