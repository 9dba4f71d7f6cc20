/**
 * The parts of a Kubernetes pod that hardening reads, in Kubernetes' own names. Everything is optional and may be
 * null, because manifests are: nothing here is to be trusted before `validatePod` has looked at it.
 * Fields that are not named here exist, are never read and are never touched.
 */

export type Nullable<T> = T | null | undefined;

export interface ObjectMeta {
  name?: Nullable<string>;
  generateName?: Nullable<string>;
  namespace?: Nullable<string>;
  labels?: Nullable<Record<string, string>>;
  annotations?: Nullable<Record<string, string>>;
  ownerReferences?: Nullable<OwnerReference[]>;
  [field: string]: unknown;
}

export interface OwnerReference {
  apiVersion?: string;
  kind?: string;
  name?: string;
  uid?: string;
  controller?: Nullable<boolean>;
  [field: string]: unknown;
}

/** The owner that manages an object; undefined where nobody does. */
export function controllerOf(
  metadata: Readonly<Record<string, unknown>> | null | undefined,
): OwnerReference | undefined {
  const references = metadata?.['ownerReferences'];
  if (!Array.isArray(references)) return undefined;
  return (references as OwnerReference[]).find(({ controller }) => controller === true);
}

export interface Pod {
  metadata?: Nullable<ObjectMeta>;
  spec: PodSpec;
}

export interface PodSpec {
  containers?: Nullable<Container[]>;
  initContainers?: Nullable<Container[]>;
  ephemeralContainers?: Nullable<Container[]>;
  securityContext?: Nullable<PodSecurityContext>;
  volumes?: Nullable<Volume[]>;
  os?: Nullable<{ name?: Nullable<string> }>;
  nodeName?: Nullable<string>;
  nodeSelector?: Nullable<Record<string, string>>;
  affinity?: Nullable<{
    nodeAffinity?: Nullable<{
      requiredDuringSchedulingIgnoredDuringExecution?: Nullable<{
        nodeSelectorTerms?: Nullable<NodeSelectorTerm[]>;
      }>;
    }>;
  }>;
  tolerations?: Nullable<Toleration[]>;
  hostNetwork?: Nullable<boolean>;
  hostPID?: Nullable<boolean>;
  hostIPC?: Nullable<boolean>;
  hostUsers?: Nullable<boolean>;
  serviceAccountName?: Nullable<string>;
  serviceAccount?: Nullable<string>;
  automountServiceAccountToken?: Nullable<boolean>;
  enableServiceLinks?: Nullable<boolean>;
  resources?: Nullable<ResourceRequirements>;
  [field: string]: unknown;
}

export interface Container {
  name?: string;
  image?: Nullable<string>;
  imagePullPolicy?: Nullable<string>;
  command?: Nullable<string[]>;
  args?: Nullable<string[]>;
  /** Never checked, since an error would show a value, which may be a secret. */
  env?: unknown;
  ports?: Nullable<ContainerPort[]>;
  restartPolicy?: Nullable<string>;
  resources?: Nullable<ResourceRequirements>;
  securityContext?: Nullable<SecurityContext>;
  volumeMounts?: Nullable<VolumeMount[]>;
  volumeDevices?: Nullable<{ name?: string; devicePath?: string }[]>;
  [field: string]: unknown;
}

export interface ContainerPort {
  name?: Nullable<string>;
  containerPort?: number;
  hostPort?: Nullable<number>;
  protocol?: Nullable<string>;
  [field: string]: unknown;
}

export interface PodSecurityContext {
  runAsUser?: Nullable<number>;
  runAsGroup?: Nullable<number>;
  runAsNonRoot?: Nullable<boolean>;
  fsGroup?: Nullable<number>;
  fsGroupChangePolicy?: Nullable<string>;
  supplementalGroups?: Nullable<number[]>;
  supplementalGroupsPolicy?: Nullable<string>;
  seccompProfile?: Nullable<SeccompProfile>;
  sysctls?: Nullable<{ name?: string; value?: string }[]>;
  windowsOptions?: Nullable<WindowsOptions>;
  seLinuxOptions?: Nullable<SELinuxOptions>;
  appArmorProfile?: Nullable<AppArmorProfile>;
  [field: string]: unknown;
}

export interface SecurityContext {
  privileged?: Nullable<boolean>;
  runAsUser?: Nullable<number>;
  runAsGroup?: Nullable<number>;
  runAsNonRoot?: Nullable<boolean>;
  allowPrivilegeEscalation?: Nullable<boolean>;
  readOnlyRootFilesystem?: Nullable<boolean>;
  capabilities?: Nullable<Capabilities>;
  seccompProfile?: Nullable<SeccompProfile>;
  windowsOptions?: Nullable<WindowsOptions>;
  seLinuxOptions?: Nullable<SELinuxOptions>;
  appArmorProfile?: Nullable<AppArmorProfile>;
  procMount?: Nullable<string>;
  [field: string]: unknown;
}

export interface Capabilities {
  add?: Nullable<string[]>;
  drop?: Nullable<string[]>;
}

export interface SeccompProfile {
  type?: string;
  localhostProfile?: Nullable<string>;
}

export interface AppArmorProfile {
  type?: string;
  localhostProfile?: Nullable<string>;
}

export interface SELinuxOptions {
  type?: Nullable<string>;
  user?: Nullable<string>;
  role?: Nullable<string>;
  level?: Nullable<string>;
}

export interface WindowsOptions {
  hostProcess?: Nullable<boolean>;
  runAsUserName?: Nullable<string>;
  [field: string]: unknown;
}

/** A quantity is a string such as `500m`, or a bare number. */
export type ResourceList = Record<string, string | number>;

export interface ResourceRequirements {
  requests?: Nullable<ResourceList>;
  limits?: Nullable<ResourceList>;
  [field: string]: unknown;
}

export interface Volume {
  name?: string;
  hostPath?: Nullable<{ path?: string; type?: Nullable<string> }>;
  image?: Nullable<{ reference?: Nullable<string>; pullPolicy?: Nullable<string> }>;
  projected?: Nullable<{ sources?: Nullable<Record<string, unknown>[]> }>;
  [source: string]: unknown;
}

export interface VolumeMount {
  name?: string;
  mountPath?: string;
  readOnly?: Nullable<boolean>;
  mountPropagation?: Nullable<string>;
  subPath?: Nullable<string>;
  [field: string]: unknown;
}

export interface Toleration {
  key?: Nullable<string>;
  operator?: Nullable<string>;
  value?: Nullable<string>;
  effect?: Nullable<string>;
  tolerationSeconds?: Nullable<number>;
}

export interface NodeSelectorRequirement {
  key?: string;
  operator?: string;
  values?: Nullable<string[]>;
}

export interface NodeSelectorTerm {
  matchExpressions?: Nullable<NodeSelectorRequirement[]>;
  matchFields?: Nullable<NodeSelectorRequirement[]>;
}
