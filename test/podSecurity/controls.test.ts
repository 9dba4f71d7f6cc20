import { readdirSync } from 'node:fs';
import { expect } from 'chai';
import type { Container, Pod, PodSpec, SecurityContext } from '../../src/hardening/podSpec.js';
import { CONTROLS } from '../../src/podSecurity/controls/index.js';
import type { RefusedField } from '../../src/podSecurity/control.js';
import { failedControls } from '../../src/podSecurity/evaluate.js';
import { restrictedContainer, restrictedPod } from './pods.js';

/*
 * One table a control. The messages are what upstream's Go code (k8s.io/pod-security-admission v0.37.0) says of the
 * same pods, but for `aSourceOfLaterTimes`, which upstream calls `unknown`.
 */

interface Case {
  when: string;
  pod: Pod;
  /** Of the version of the standards; the newest unless given. */
  minor?: number;
  /** Absent: the control lets the pod pass. */
  message?: string;
  fields?: RefusedField[];
}

const web = (change: Container): PodSpec => ({ containers: [restrictedContainer('web', change)] });
const secured = (securityContext: SecurityContext): PodSpec => web({ securityContext });
const on = 'spec.containers[0]';

/** What a Windows pod leaves out, because the API server refuses the fields there. */
const windowsPod: Pod = { spec: { os: { name: 'windows' }, containers: [{ name: 'web' }] } };
/** What no control before v1.35 allows, and most since do. */
const rootInUserNamespace = restrictedPod({
  hostUsers: false,
  ...secured({ procMount: 'Unmasked' }),
  securityContext: { runAsNonRoot: false, runAsUser: 0 },
});
const unconfined: PodSpec = { securityContext: { seccompProfile: { type: 'Unconfined' } } };
const unmasked = {
  message: 'procMount (container "web" must not set securityContext.procMount to "Unmasked")',
  fields: [{ field: `${on}.securityContext.procMount`, container: 'web', value: 'Unmasked' }],
};

const TABLES: Record<string, Case[]> = {
  appArmorProfile: [
    { when: 'no metadata', pod: { spec: {} } },
    { when: 'annotations are null', pod: { metadata: { annotations: null }, spec: {} } },
    {
      when: 'RuntimeDefault and Localhost',
      pod: restrictedPod({
        ...secured({ appArmorProfile: { type: 'Localhost' } }),
        securityContext: { appArmorProfile: { type: 'RuntimeDefault' } },
      }),
    },
    {
      when: 'allowed annotations, and one of something else',
      pod: restrictedPod(
        {},
        {
          'container.apparmor.security.beta.kubernetes.io/a': 'runtime/default',
          'container.apparmor.security.beta.kubernetes.io/b': 'localhost/mine',
          'container.apparmor.security.beta.kubernetes.io/c': '',
          'example.com/profile': 'unconfined',
        },
      ),
    },
    {
      when: 'Unconfined on the pod',
      pod: restrictedPod({ securityContext: { appArmorProfile: { type: 'Unconfined' } } }),
      message: 'forbidden AppArmor profile (pod must not set AppArmor profile type to "Unconfined")',
      fields: [{ field: 'spec.securityContext.appArmorProfile.type', value: 'Unconfined' }],
    },
    {
      when: 'a profile without a type',
      pod: restrictedPod(secured({ appArmorProfile: {} })),
      message: 'forbidden AppArmor profile (container "web" must not set AppArmor profile type to "")',
      fields: [{ field: `${on}.securityContext.appArmorProfile.type`, container: 'web', value: '' }],
    },
    {
      when: 'annotations and a container',
      pod: restrictedPod(secured({ appArmorProfile: { type: 'Unconfined' } }), {
        'container.apparmor.security.beta.kubernetes.io/web': 'unconfined',
        'container.apparmor.security.beta.kubernetes.io/init': 'complain',
      }),
      message:
        'forbidden AppArmor profiles (container "web" and annotations must not set AppArmor profile type to "Unconfined", "container.apparmor.security.beta.kubernetes.io/init="complain"", "container.apparmor.security.beta.kubernetes.io/web="unconfined"")',
      fields: [
        { field: `${on}.securityContext.appArmorProfile.type`, container: 'web', value: 'Unconfined' },
        {
          field: 'metadata.annotations[container.apparmor.security.beta.kubernetes.io/init]',
          container: 'init',
          value: 'complain',
        },
        {
          field: 'metadata.annotations[container.apparmor.security.beta.kubernetes.io/web]',
          container: 'web',
          value: 'unconfined',
        },
      ],
    },
  ],

  capabilities_baseline: [
    { when: 'a default capability', pod: restrictedPod(secured({ capabilities: { add: ['CHOWN'] } })) },
    { when: 'add is null', pod: restrictedPod(secured({ capabilities: { add: null } })) },
    {
      when: 'names that are not literally in the default set',
      pod: restrictedPod(
        secured({ capabilities: { add: ['NET_RAW', 'CHOWN', 'chown', 'CAP_KILL', 'NET_RAW'] } }),
      ),
      message:
        'non-default capabilities (container "web" must not include "CAP_KILL", "NET_RAW", "chown" in securityContext.capabilities.add)',
      fields: [
        { field: `${on}.securityContext.capabilities.add[0]`, container: 'web', value: 'NET_RAW' },
        { field: `${on}.securityContext.capabilities.add[2]`, container: 'web', value: 'chown' },
        { field: `${on}.securityContext.capabilities.add[3]`, container: 'web', value: 'CAP_KILL' },
        { field: `${on}.securityContext.capabilities.add[4]`, container: 'web', value: 'NET_RAW' },
      ],
    },
  ],

  hostNamespaces: [
    { when: 'false and null', pod: restrictedPod({ hostNetwork: false, hostPID: null }) },
    {
      when: 'all three',
      pod: restrictedPod({ hostIPC: true, hostPID: true, hostNetwork: true }),
      message: 'host namespaces (hostNetwork=true, hostPID=true, hostIPC=true)',
      fields: [
        { field: 'spec.hostNetwork', value: true },
        { field: 'spec.hostPID', value: true },
        { field: 'spec.hostIPC', value: true },
      ],
    },
  ],

  hostPathVolumes: [
    {
      when: 'hostPath is null',
      pod: restrictedPod({ volumes: [{ name: 'data', hostPath: null, emptyDir: {} }] }),
    },
    {
      when: 'two host paths, one of them without a name',
      pod: restrictedPod({
        volumes: [
          { name: 'etc', hostPath: { path: '/etc' } },
          { name: 'tmp', emptyDir: {} },
          { hostPath: {} },
        ],
      }),
      message: 'hostPath volumes (volumes "etc", "")',
      fields: [
        { field: 'spec.volumes[0].hostPath', value: { path: '/etc' } },
        { field: 'spec.volumes[2].hostPath', value: {} },
      ],
    },
  ],

  hostPorts: [
    {
      when: '0, null and unset',
      pod: restrictedPod(web({ ports: [{ hostPort: 0 }, { hostPort: null }, { containerPort: 80 }] })),
    },
    { when: 'ports are null', pod: restrictedPod(web({ ports: null })) },
    {
      when: 'one port',
      pod: restrictedPod(web({ ports: [{ hostPort: 80 }] })),
      message: 'hostPort (container "web" uses hostPort 80)',
      fields: [{ field: `${on}.ports[0].hostPort`, container: 'web', value: 80 }],
    },
    {
      when: 'several ports of several containers',
      pod: restrictedPod({
        containers: [
          restrictedContainer('web', { ports: [{ hostPort: 9000 }, { hostPort: 80 }] }),
          restrictedContainer('log', { ports: [{ hostPort: 443 }] }),
        ],
      }),
      message: 'hostPort (containers "web", "log" use hostPorts 443, 80, 9000)',
      fields: [
        { field: `${on}.ports[0].hostPort`, container: 'web', value: 9000 },
        { field: `${on}.ports[1].hostPort`, container: 'web', value: 80 },
        { field: 'spec.containers[1].ports[0].hostPort', container: 'log', value: 443 },
      ],
    },
  ],

  hostProbesAndHostLifecycle: [
    {
      when: 'empty and null hosts, other handlers',
      pod: restrictedPod(
        web({
          livenessProbe: { httpGet: { host: '', port: 80 } },
          readinessProbe: { tcpSocket: { host: null, port: 80 } },
          startupProbe: null,
          lifecycle: { postStart: { exec: { command: ['true'] } }, preStop: null },
        }),
      ),
    },
    { when: 'lifecycle is null', pod: restrictedPod(web({ lifecycle: null })) },
    {
      when: 'the loopback in one probe',
      pod: restrictedPod(web({ startupProbe: { tcpSocket: { host: '127.0.0.1', port: 80 } } })),
      message: 'probe or lifecycle host (container "web" uses probe or lifecycle host "127.0.0.1")',
      fields: [{ field: `${on}.startupProbe.tcpSocket.host`, container: 'web', value: '127.0.0.1' }],
    },
    {
      when: 'every handler, and containers out of order',
      pod: restrictedPod({
        containers: [
          restrictedContainer('web', {
            livenessProbe: { httpGet: { host: 'a' } },
            readinessProbe: { tcpSocket: { host: 'b' } },
            lifecycle: { postStart: { httpGet: { host: 'c' } }, preStop: { tcpSocket: { host: 'a' } } },
          }),
          restrictedContainer('log', { startupProbe: { httpGet: { host: 'd' }, tcpSocket: { host: 'e' } } }),
        ],
      }),
      message:
        'probe or lifecycle host (containers "log", "web" use probe or lifecycle hosts "a", "b", "c", "d", "e")',
      fields: [
        { field: `${on}.livenessProbe.httpGet.host`, container: 'web', value: 'a' },
        { field: `${on}.readinessProbe.tcpSocket.host`, container: 'web', value: 'b' },
        { field: `${on}.lifecycle.postStart.httpGet.host`, container: 'web', value: 'c' },
        { field: `${on}.lifecycle.preStop.tcpSocket.host`, container: 'web', value: 'a' },
        { field: 'spec.containers[1].startupProbe.httpGet.host', container: 'log', value: 'd' },
        { field: 'spec.containers[1].startupProbe.tcpSocket.host', container: 'log', value: 'e' },
      ],
    },
    {
      when: 'a host, before the control was there',
      minor: 33,
      pod: restrictedPod(web({ livenessProbe: { tcpSocket: { host: '127.0.0.1' } } })),
    },
    {
      when: 'a host, since it is',
      minor: 34,
      pod: restrictedPod(web({ livenessProbe: { tcpSocket: { host: '127.0.0.1' } } })),
      message: 'probe or lifecycle host (container "web" uses probe or lifecycle host "127.0.0.1")',
      fields: [{ field: `${on}.livenessProbe.tcpSocket.host`, container: 'web', value: '127.0.0.1' }],
    },
  ],

  privileged: [
    { when: 'false', pod: restrictedPod(secured({ privileged: false })) },
    { when: 'null', pod: restrictedPod(secured({ privileged: null })) },
    {
      when: 'an ephemeral and an init container',
      pod: restrictedPod({
        initContainers: [restrictedContainer('init', { securityContext: { privileged: true } })],
        ephemeralContainers: [restrictedContainer('debug', { securityContext: { privileged: true } })],
      }),
      message: 'privileged (containers "init", "debug" must not set securityContext.privileged=true)',
      fields: [
        { field: 'spec.initContainers[0].securityContext.privileged', container: 'init', value: true },
        { field: 'spec.ephemeralContainers[0].securityContext.privileged', container: 'debug', value: true },
      ],
    },
  ],

  procMount: [
    { when: 'Default', pod: restrictedPod(secured({ procMount: 'Default' })) },
    { when: 'null', pod: restrictedPod(secured({ procMount: null })) },
    {
      when: 'Unmasked in a user namespace',
      pod: restrictedPod({ hostUsers: false, ...secured({ procMount: 'Unmasked' }) }),
    },
    {
      when: 'Unmasked where hostUsers is null',
      pod: restrictedPod({ hostUsers: null, ...secured({ procMount: 'Unmasked' }) }),
      message: 'procMount (container "web" must not set securityContext.procMount to "Unmasked")',
      fields: [{ field: `${on}.securityContext.procMount`, container: 'web', value: 'Unmasked' }],
    },
    { when: 'a user namespace, before it counted', minor: 34, pod: rootInUserNamespace, ...unmasked },
    { when: 'a user namespace, since it does', minor: 35, pod: rootInUserNamespace },
  ],

  procMount_restricted: [
    { when: 'Default', pod: restrictedPod(secured({ procMount: 'Default' })) },
    {
      when: 'Unmasked in a user namespace too',
      pod: restrictedPod({ hostUsers: false, ...secured({ procMount: 'Unmasked' }) }),
      message: 'procMount (container "web" must not set securityContext.procMount to "Unmasked")',
      fields: [{ field: `${on}.securityContext.procMount`, container: 'web', value: 'Unmasked' }],
    },
    { when: 'anything before the control was there', minor: 34, pod: rootInUserNamespace },
    { when: 'a user namespace, since it is', minor: 35, pod: rootInUserNamespace, ...unmasked },
  ],

  seLinuxOptions: [
    { when: 'null', pod: restrictedPod(secured({ seLinuxOptions: null })) },
    {
      when: 'null fields',
      pod: restrictedPod(secured({ seLinuxOptions: { type: null, user: null, role: null } })),
    },
    {
      when: 'an allowed type and any level',
      pod: restrictedPod(secured({ seLinuxOptions: { type: 'container_engine_t', level: 's0:c1' } })),
    },
    {
      when: 'a type on the pod',
      pod: restrictedPod({ securityContext: { seLinuxOptions: { type: 'spc_t' } } }),
      message: 'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "spc_t")',
      fields: [{ field: 'spec.securityContext.seLinuxOptions.type', value: 'spc_t' }],
    },
    {
      when: 'types, a user and a role',
      pod: restrictedPod({
        ...secured({ seLinuxOptions: { type: 'b_t', user: 'root', role: '' } }),
        securityContext: { seLinuxOptions: { type: 'a_t', role: 'system_r' } },
      }),
      message:
        'seLinuxOptions (pod and container "web" set forbidden securityContext.seLinuxOptions: types "a_t", "b_t"; user may not be set; role may not be set)',
      fields: [
        { field: 'spec.securityContext.seLinuxOptions.type', value: 'a_t' },
        { field: 'spec.securityContext.seLinuxOptions.role', value: 'system_r' },
        { field: `${on}.securityContext.seLinuxOptions.type`, container: 'web', value: 'b_t' },
        { field: `${on}.securityContext.seLinuxOptions.user`, container: 'web', value: 'root' },
      ],
    },
    {
      when: 'a role alone',
      pod: restrictedPod(secured({ seLinuxOptions: { role: 'system_r' } })),
      message:
        'seLinuxOptions (container "web" set forbidden securityContext.seLinuxOptions: role may not be set)',
      fields: [{ field: `${on}.securityContext.seLinuxOptions.role`, container: 'web', value: 'system_r' }],
    },
    {
      when: 'container_engine_t, before it was allowed',
      minor: 30,
      pod: restrictedPod({ securityContext: { seLinuxOptions: { type: 'container_engine_t' } } }),
      message: 'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "container_engine_t")',
      fields: [{ field: 'spec.securityContext.seLinuxOptions.type', value: 'container_engine_t' }],
    },
    {
      when: 'container_engine_t, since it is',
      minor: 31,
      pod: restrictedPod({ securityContext: { seLinuxOptions: { type: 'container_engine_t' } } }),
    },
  ],

  seccompProfile_baseline: [
    { when: 'Localhost', pod: restrictedPod(secured({ seccompProfile: { type: 'Localhost' } })) },
    {
      when: 'Unconfined by annotation',
      pod: restrictedPod({}, { 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined' }),
    },
    {
      when: 'Unconfined on the pod, no type on the container',
      pod: restrictedPod({
        ...secured({ seccompProfile: {} }),
        securityContext: { seccompProfile: { type: 'Unconfined' } },
      }),
      message:
        'seccompProfile (pod and container "web" must not set securityContext.seccompProfile.type to "", "Unconfined")',
      fields: [
        { field: 'spec.securityContext.seccompProfile.type', value: 'Unconfined' },
        { field: `${on}.securityContext.seccompProfile.type`, container: 'web', value: '' },
      ],
    },
    {
      when: 'annotations, and Unconfined in the field, which is not read yet',
      minor: 18,
      pod: restrictedPod(
        { containers: ['web', 'log', 'job'].map((name) => restrictedContainer(name)), ...unconfined },
        {
          'seccomp.security.alpha.kubernetes.io/pod': 'unconfined',
          'container.seccomp.security.alpha.kubernetes.io/web': 'RuntimeDefault',
          'container.seccomp.security.alpha.kubernetes.io/log': 'docker/default',
          'container.seccomp.security.alpha.kubernetes.io/gone': 'unconfined',
        },
      ),
      message:
        'seccompProfile (forbidden annotations container.seccomp.security.alpha.kubernetes.io/web="RuntimeDefault", seccomp.security.alpha.kubernetes.io/pod="unconfined")',
      fields: [
        { field: 'metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]', value: 'unconfined' },
        {
          field: 'metadata.annotations[container.seccomp.security.alpha.kubernetes.io/web]',
          container: 'web',
          value: 'RuntimeDefault',
        },
      ],
    },
    {
      when: 'allowed annotations, and Unconfined in the field, which is not read yet',
      minor: 18,
      pod: restrictedPod(unconfined, {
        'seccomp.security.alpha.kubernetes.io/pod': 'runtime/default',
        'container.seccomp.security.alpha.kubernetes.io/web': 'localhost/mine',
      }),
    },
    {
      when: 'annotations, since they are not read any more',
      minor: 19,
      pod: restrictedPod({}, { 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined' }),
    },
  ],

  sysctls: [
    { when: 'null', pod: restrictedPod({ securityContext: { sysctls: null } }) },
    {
      when: 'safe ones, the newest too',
      pod: restrictedPod({
        securityContext: {
          sysctls: [
            { name: 'kernel.shm_rmid_forced', value: '0' },
            { name: 'net.ipv4.tcp_notsent_lowat', value: '1' },
          ],
        },
      }),
    },
    {
      when: 'unsafe ones, slashes, and one without a name',
      pod: restrictedPod({
        securityContext: {
          sysctls: [
            { name: 'kernel.msgmax', value: '1' },
            { name: 'net.ipv4.tcp_rmem', value: '1' },
            { name: 'net/ipv4/tcp_rmem', value: '1' },
            {},
          ],
        },
      }),
      message: 'forbidden sysctls (kernel.msgmax, net/ipv4/tcp_rmem, )',
      fields: [
        { field: 'spec.securityContext.sysctls[0].name', value: 'kernel.msgmax' },
        { field: 'spec.securityContext.sysctls[2].name', value: 'net/ipv4/tcp_rmem' },
        { field: 'spec.securityContext.sysctls[3].name', value: '' },
      ],
    },
    ...(
      [
        ['net.ipv4.ip_local_reserved_ports', 27],
        ['net.ipv4.tcp_fin_timeout', 29],
        ['net.ipv4.tcp_wmem', 32],
        ['net.ipv4.tcp_slow_start_after_idle', 37],
      ] as const
    ).flatMap(([name, since]) => {
      const pod = restrictedPod({ securityContext: { sysctls: [{ name, value: '1' }] } });
      return [
        {
          when: `${name}, before it was allowed`,
          minor: since - 1,
          pod,
          message: `forbidden sysctls (${name})`,
          fields: [{ field: 'spec.securityContext.sysctls[0].name', value: name }],
        },
        { when: `${name}, since it is`, minor: since, pod },
      ];
    }),
  ],

  windowsHostProcess: [
    { when: 'false and null', pod: restrictedPod(secured({ windowsOptions: { hostProcess: null } })) },
    {
      when: 'the pod and a container',
      pod: restrictedPod({
        ...secured({ windowsOptions: { hostProcess: true } }),
        securityContext: { windowsOptions: { hostProcess: true } },
      }),
      message:
        'hostProcess (pod and container "web" must not set securityContext.windowsOptions.hostProcess=true)',
      fields: [
        { field: 'spec.securityContext.windowsOptions.hostProcess', value: true },
        { field: `${on}.securityContext.windowsOptions.hostProcess`, container: 'web', value: true },
      ],
    },
  ],

  allowPrivilegeEscalation: [
    { when: 'false', pod: restrictedPod() },
    {
      when: 'unset on a Windows pod',
      pod: restrictedPod({ os: { name: 'windows' }, containers: [{ name: 'web' }] }),
    },
    {
      when: 'true, null, and no securityContext on a container without a name',
      pod: restrictedPod({
        containers: [
          restrictedContainer('web', { securityContext: { allowPrivilegeEscalation: true } }),
          restrictedContainer('log', { securityContext: { allowPrivilegeEscalation: null } }),
          {},
        ],
      }),
      message:
        'allowPrivilegeEscalation != false (containers "web", "log", "" must set securityContext.allowPrivilegeEscalation=false)',
      fields: [
        { field: `${on}.securityContext.allowPrivilegeEscalation`, container: 'web', value: true },
        { field: 'spec.containers[1].securityContext.allowPrivilegeEscalation', container: 'log' },
        { field: 'spec.containers[2].securityContext.allowPrivilegeEscalation', container: '' },
      ],
    },
    {
      when: 'unset, before the control was there',
      minor: 7,
      pod: { spec: { containers: [{ name: 'web' }] } },
    },
    ...[8, 24].map((minor) => ({
      when: 'a Windows pod, before it was exempt',
      minor,
      pod: windowsPod,
      message:
        'allowPrivilegeEscalation != false (container "web" must set securityContext.allowPrivilegeEscalation=false)',
      fields: [{ field: `${on}.securityContext.allowPrivilegeEscalation`, container: 'web' }],
    })),
    { when: 'a Windows pod, since it is', minor: 25, pod: windowsPod },
  ],

  capabilities_restricted: [
    {
      when: 'ALL dropped, NET_BIND_SERVICE added',
      pod: restrictedPod(secured({ capabilities: { drop: ['KILL', 'ALL'], add: ['NET_BIND_SERVICE'] } })),
    },
    {
      when: 'nothing dropped on a Windows pod',
      pod: restrictedPod({ os: { name: 'windows' }, ...secured({ capabilities: null }) }),
    },
    {
      when: 'all in lower case',
      pod: restrictedPod(secured({ capabilities: { drop: ['all'] } })),
      message:
        'unrestricted capabilities (container "web" must set securityContext.capabilities.drop=["ALL"])',
      fields: [{ field: `${on}.securityContext.capabilities.drop`, container: 'web', value: ['all'] }],
    },
    {
      when: 'ALL dropped, CHOWN added',
      pod: restrictedPod(secured({ capabilities: { drop: ['ALL'], add: ['CHOWN'] } })),
      message:
        'unrestricted capabilities (container "web" must not include "CHOWN" in securityContext.capabilities.add)',
      fields: [{ field: `${on}.securityContext.capabilities.add[0]`, container: 'web', value: 'CHOWN' }],
    },
    {
      when: 'drop is null, and another container adds',
      pod: restrictedPod({
        containers: [
          restrictedContainer('web', { securityContext: { capabilities: { drop: null } } }),
          restrictedContainer('log', { securityContext: { capabilities: { drop: ['ALL'], add: ['KILL'] } } }),
        ],
      }),
      message:
        'unrestricted capabilities (container "web" must set securityContext.capabilities.drop=["ALL"]; container "log" must not include "KILL" in securityContext.capabilities.add)',
      fields: [
        { field: `${on}.securityContext.capabilities.drop`, container: 'web' },
        { field: 'spec.containers[1].securityContext.capabilities.add[0]', container: 'log', value: 'KILL' },
      ],
    },
    { when: 'anything before the control was there', minor: 21, pod: windowsPod },
    ...[22, 24].map((minor) => ({
      when: 'a Windows pod, before it was exempt',
      minor,
      pod: windowsPod,
      message:
        'unrestricted capabilities (container "web" must set securityContext.capabilities.drop=["ALL"])',
      fields: [{ field: `${on}.securityContext.capabilities.drop`, container: 'web' }],
    })),
    { when: 'a Windows pod, since it is', minor: 25, pod: windowsPod },
  ],

  restrictedVolumes: [
    { when: 'null', pod: restrictedPod({ volumes: null }) },
    {
      when: 'no source, which means emptyDir',
      pod: restrictedPod({
        volumes: [{ name: 'a' }, { name: 'b', nfs: null }, { name: 'c', configMap: null }],
      }),
    },
    ...'configMap csi downwardAPI emptyDir ephemeral image persistentVolumeClaim projected secret'
      .split(' ')
      .map((source) => ({
        when: `${source}, and null beside it`,
        pod: restrictedPod({ volumes: [{ name: 'data', hostPath: null, [source]: {} }] }),
      })),
    ...(
      'hostPath gcePersistentDisk awsElasticBlockStore gitRepo nfs iscsi glusterfs rbd flexVolume cinder cephfs ' +
      'flocker fc azureFile vsphereVolume quobyte azureDisk portworxVolume photonPersistentDisk scaleIO storageos ' +
      'aSourceOfLaterTimes'
    )
      .split(' ')
      .map((source) => ({
        when: source,
        pod: restrictedPod({ volumes: [{ name: 'data', [source]: {} }] }),
        message: `restricted volume types (volume "data" uses restricted volume type "${source}")`,
        fields: [{ field: `spec.volumes[0].${source}`, value: {} }],
      })),
    {
      when: 'several, one without a name',
      pod: restrictedPod({
        volumes: [{ name: 'b', nfs: {} }, { emptyDir: {} }, { fc: {} }, { name: 'a', nfs: {} }],
      }),
      message: 'restricted volume types (volumes "b", "", "a" use restricted volume types "fc", "nfs")',
      fields: [
        { field: 'spec.volumes[0].nfs', value: {} },
        { field: 'spec.volumes[2].fc', value: {} },
        { field: 'spec.volumes[3].nfs', value: {} },
      ],
    },
  ],

  runAsNonRoot: [
    { when: 'true on the pod', pod: restrictedPod() },
    {
      when: 'true on every container',
      pod: restrictedPod({ ...secured({ runAsNonRoot: true }), securityContext: { runAsNonRoot: null } }),
    },
    {
      when: 'false in a user namespace',
      pod: restrictedPod({ hostUsers: false, securityContext: { runAsNonRoot: false } }),
    },
    {
      when: 'unset everywhere, on a Windows pod too',
      pod: restrictedPod({ os: { name: 'windows' }, securityContext: { runAsNonRoot: null } }),
      message: 'runAsNonRoot != true (pod or container "web" must set securityContext.runAsNonRoot=true)',
      fields: [{ field: `${on}.securityContext.runAsNonRoot`, container: 'web' }],
    },
    {
      when: 'false on the pod, which is enough',
      pod: restrictedPod({
        containers: [
          restrictedContainer('web', { securityContext: { runAsNonRoot: true } }),
          { name: 'log' },
        ],
        securityContext: { runAsNonRoot: false },
      }),
      message: 'runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)',
      fields: [{ field: 'spec.securityContext.runAsNonRoot', value: false }],
    },
    {
      when: 'false on one container, unset on another: the message as upstream, the fields complete',
      pod: restrictedPod({
        containers: [
          restrictedContainer('web', { securityContext: { runAsNonRoot: false } }),
          { name: 'log' },
        ],
        securityContext: { runAsNonRoot: null },
      }),
      message: 'runAsNonRoot != true (container "web" must not set securityContext.runAsNonRoot=false)',
      fields: [
        { field: `${on}.securityContext.runAsNonRoot`, container: 'web', value: false },
        { field: 'spec.containers[1].securityContext.runAsNonRoot', container: 'log' },
      ],
    },
    {
      when: 'a user namespace, before it counted',
      minor: 34,
      pod: rootInUserNamespace,
      message: 'runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)',
      fields: [{ field: 'spec.securityContext.runAsNonRoot', value: false }],
    },
    { when: 'a user namespace, since it does', minor: 35, pod: rootInUserNamespace },
  ],

  runAsUser: [
    { when: 'null', pod: restrictedPod(secured({ runAsUser: null })) },
    { when: 'another uid', pod: restrictedPod(secured({ runAsUser: 1000 })) },
    {
      when: '0 in a user namespace',
      pod: restrictedPod({ hostUsers: false, securityContext: { runAsUser: 0 } }),
    },
    {
      when: '0 on the pod and on a container',
      pod: restrictedPod({ ...secured({ runAsUser: 0 }), securityContext: { runAsUser: 0 } }),
      message: 'runAsUser=0 (pod and container "web" must not set runAsUser=0)',
      fields: [
        { field: 'spec.securityContext.runAsUser', value: 0 },
        { field: `${on}.securityContext.runAsUser`, container: 'web', value: 0 },
      ],
    },
    { when: 'root, before the control was there', minor: 22, pod: rootInUserNamespace },
    ...[23, 34].map((minor) => ({
      when: 'a user namespace, before it counted',
      minor,
      pod: rootInUserNamespace,
      message: 'runAsUser=0 (pod must not set runAsUser=0)',
      fields: [{ field: 'spec.securityContext.runAsUser', value: 0 }],
    })),
    { when: 'a user namespace, since it does', minor: 35, pod: rootInUserNamespace },
  ],

  seccompProfile_restricted: [
    { when: 'RuntimeDefault on the pod', pod: restrictedPod() },
    {
      when: 'Localhost on every container',
      pod: restrictedPod({
        ...secured({ seccompProfile: { type: 'Localhost' } }),
        securityContext: { seccompProfile: null },
      }),
    },
    {
      when: 'unset on a Windows pod',
      pod: restrictedPod({ os: { name: 'windows' }, securityContext: { seccompProfile: null } }),
    },
    {
      when: 'set by annotation only',
      pod: restrictedPod(
        { securityContext: { seccompProfile: null } },
        { 'seccomp.security.alpha.kubernetes.io/pod': 'runtime/default' },
      ),
      message:
        'seccompProfile (pod or container "web" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
      fields: [{ field: `${on}.securityContext.seccompProfile.type`, container: 'web' }],
    },
    {
      when: 'Unconfined on the pod, from which the container inherits',
      pod: restrictedPod({ securityContext: { seccompProfile: { type: 'Unconfined' } } }),
      message: 'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
      fields: [{ field: 'spec.securityContext.seccompProfile.type', value: 'Unconfined' }],
    },
    {
      when: 'Unconfined on one container, unset on another: the message as upstream, the fields complete',
      pod: restrictedPod({
        containers: [
          restrictedContainer('web', { securityContext: { seccompProfile: { type: 'Unconfined' } } }),
          {},
        ],
        securityContext: { seccompProfile: null },
      }),
      message:
        'seccompProfile (container "web" must not set securityContext.seccompProfile.type to "Unconfined")',
      fields: [
        { field: `${on}.securityContext.seccompProfile.type`, container: 'web', value: 'Unconfined' },
        { field: 'spec.containers[1].securityContext.seccompProfile.type', container: '' },
      ],
    },
    { when: 'unset, before the control was there', minor: 18, pod: windowsPod },
    ...[19, 24].map((minor) => ({
      when: 'a Windows pod, before it was exempt',
      minor,
      pod: windowsPod,
      message:
        'seccompProfile (pod or container "web" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
      fields: [{ field: `${on}.securityContext.seccompProfile.type`, container: 'web' }],
    })),
    { when: 'a Windows pod, since it is', minor: 25, pod: windowsPod },
  ],
};

describe('Pod Security controls', () => {
  it('have a file each, named by the id, and a table here', () => {
    const files = readdirSync(new URL('../../src/podSecurity/controls/', import.meta.url));
    const ids = CONTROLS.map(({ id }) => id).sort();
    expect(files.filter((file) => file !== 'index.ts').sort()).to.deep.equal(ids.map((id) => `${id}.ts`));
    expect(Object.keys(TABLES).sort()).to.deep.equal(ids);
  });

  it('stand in the order in which upstream reports them', () => {
    const sorted = (level: string): string[] =>
      CONTROLS.filter((control) => control.level === level)
        .map(({ id }) => id)
        .sort();
    expect(CONTROLS.map(({ id }) => id)).to.deep.equal([...sorted('baseline'), ...sorted('restricted')]);
  });

  for (const [control, cases] of Object.entries(TABLES)) {
    describe(control, () => {
      for (const { when, pod, minor, message, fields } of cases) {
        const version = minor === undefined ? '' : ` (v1.${minor})`;
        it(`${message === undefined ? 'allows' : 'refuses'}: ${when}${version}`, () => {
          const blocker = failedControls(pod, 'restricted', minor).find(
            (failed) => failed.control === control,
          );
          expect(blocker?.message).to.equal(message);
          expect(blocker?.fields).to.deep.equal(fields);
        });
      }
    });
  }
});
