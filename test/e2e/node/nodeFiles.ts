import type { ToolPaths } from './debianTools.js';
import { SANDBOX } from './sandboxImage.js';

export interface ContainerdOptions {
  readonly tools: ToolPaths;
  readonly root: string;
  readonly socket: string;
  readonly cniFolder: string;
}

/** TOML for containerd 1.6; strings and paths in it need no other quoting than JSON's. */
export function containerdConfig({ tools, root, socket, cniFolder }: ContainerdOptions): string {
  const text = JSON.stringify;
  return `version = 2
root = ${text(root)}
# Lowering it takes CAP_SYS_RESOURCE, which a machine in a machine may lack.
oom_score = 0
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.internal.v1.opt"]

[grpc]
address = ${text(socket)}

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = ${text(SANDBOX.name)}
restrict_oom_score_adj = true
# Profiles would be loaded into the machine's kernel.
disable_apparmor = true

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = ${text(tools.cniPlugins)}
conf_dir = ${text(cniFolder)}

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
BinaryName = ${text(tools.runc)}
`;
}

const POD_SUBNET = '10.97.0.0/24';
/** Of the bridge, whose address is the first one. */
const POD_GATEWAY = '10.97.0.1';

/** A bridge for the pods, without masquerading: that takes iptables, and there is nowhere to go. */
export function cniConfig(): string {
  return JSON.stringify({
    cniVersion: '1.0.0',
    name: 'pods',
    plugins: [
      {
        type: 'bridge',
        bridge: 'pods0',
        isGateway: true,
        ipMasq: false,
        ipam: {
          type: 'host-local',
          ranges: [[{ subnet: POD_SUBNET }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
    ],
  });
}

const EVICTION_SIGNALS = [
  'memory.available',
  'nodefs.available',
  'nodefs.inodesFree',
  'imagefs.available',
  'imagefs.inodesFree',
];

export interface KubeletOptions {
  readonly folder: string;
  readonly socket: string;
  /** As the kubelet sees it: `/` where it has a cgroup namespace of its own. */
  readonly cgroupRoot: string;
  /** By signal, over those that never evict. */
  readonly evictionHard: Readonly<Record<string, string>>;
}

export function kubeletConfig({ folder, socket, cgroupRoot, evictionHard }: KubeletOptions): string {
  return JSON.stringify({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    // The network is the tests' own: nobody else can ask.
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    containerRuntimeEndpoint: `unix://${socket}`,
    podLogsDir: `${folder}/pods`,
    volumePluginDir: `${folder}/volume-plugins`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot,
    failCgroupV1: false,
    // What is left to pods is the machine's affair.
    enforceNodeAllocatable: [],
    oomScoreAdj: 0,
    failSwapOn: false,
    makeIPTablesUtilChains: false,
    resolvConf: '',
    // The pods' gateway, which refuses at once: servers that ask for the name of a client are not to wait for it.
    clusterDNS: [POD_GATEWAY],
    // A machine whose disk is nearly full would evict the pods and remove the images.
    evictionHard: {
      ...Object.fromEntries(EVICTION_SIGNALS.map((signal) => [signal, '0%'])),
      ...evictionHard,
    },
    imageGCHighThresholdPercent: 100,
    // Tests wait for what the kubelet notices.
    syncFrequency: '1s',
    nodeStatusUpdateFrequency: '1s',
    // A container that is killed twice in a test is started again as soon as after the first time.
    crashLoopBackOff: { maxContainerRestartPeriod: '1s' },
  });
}
