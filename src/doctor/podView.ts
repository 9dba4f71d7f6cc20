import type { KubernetesObject } from '../admission/types.js';
import { capabilityName } from '../hardening/capabilityNames.js';
import { isRecord } from '../hardening/locate.js';
import { controllerOf, type Container, type PodSpec, type VolumeMount } from '../hardening/podSpec.js';
import { cleanPath, isAtOrBelow } from '../hardening/volumes.js';

/** The part of core/v1 ContainerStatus that is read. */
export interface ContainerStatus {
  readonly name?: string;
  readonly ready?: boolean;
  readonly started?: boolean;
  readonly restartCount?: number;
  readonly state?: ContainerState;
  readonly lastState?: ContainerState;
  readonly user?: { readonly linux?: { readonly uid?: number } };
}

export interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly running?: { readonly startedAt?: string };
  readonly terminated?: Terminated;
}

export interface Terminated {
  readonly reason?: string;
  readonly message?: string;
  readonly exitCode?: number;
  readonly signal?: number;
  readonly finishedAt?: string;
}

export interface PodStatus {
  readonly phase?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly startTime?: string;
  readonly conditions?: readonly {
    readonly type?: string;
    readonly status?: string;
    readonly reason?: string;
    readonly message?: string;
  }[];
  readonly containerStatuses?: readonly ContainerStatus[];
  readonly initContainerStatuses?: readonly ContainerStatus[];
}

/** A container of the pod as it runs. */
export interface ContainerView {
  readonly name: string;
  readonly spec: Container;
  readonly status: ContainerStatus | undefined;
  /** An init container that is no sidecar: it is done when it has ended well. */
  readonly isInit: boolean;
  /** Undefined where it is the image's. */
  readonly uid: number | undefined;
  readonly user: 'root' | 'nonRoot' | 'unknown';
}

/** A pod as it runs, with what the kubelet says of it. Nothing of it is trusted to be there. */
export class PodView {
  readonly namespace: string;
  readonly name: string;
  readonly spec: PodSpec;
  readonly status: PodStatus;
  readonly containers: readonly ContainerView[];

  constructor(readonly object: KubernetesObject) {
    const { metadata, spec, status } = object;
    this.namespace = metadata?.namespace ?? 'default';
    this.name = metadata?.name ?? '';
    this.spec = isRecord(spec) ? spec : {};
    this.status = isRecord(status) ? status : {};
    const { initContainerStatuses = [], containerStatuses = [] } = this.status;
    this.containers = [
      ...this.views(this.spec.initContainers, initContainerStatuses, true),
      ...this.views(this.spec.containers, containerStatuses, false),
    ];
  }

  container(name: string | undefined): ContainerView | undefined {
    return this.containers.find((container) => container.name === name);
  }

  /** `deployment/web` where the owner's name tells; the controller itself otherwise. */
  get owner(): string | undefined {
    const owner = controllerOf(this.object.metadata);
    if (owner?.kind === undefined || owner.name === undefined) return undefined;
    const hash = this.object.metadata?.labels?.['pod-template-hash'];
    return owner.kind === 'ReplicaSet' && hash && owner.name.endsWith(`-${hash}`)
      ? `deployment/${owner.name.slice(0, -hash.length - 1)}`
      : `${owner.kind.toLowerCase()}/${owner.name}`;
  }

  private views(
    list: readonly Container[] | null | undefined,
    statuses: readonly ContainerStatus[],
    isInitList: boolean,
  ): ContainerView[] {
    return (list ?? []).map((spec) => {
      const status = statuses.find(({ name }) => name === spec.name);
      const uid =
        spec.securityContext?.runAsUser ??
        this.spec.securityContext?.runAsUser ??
        status?.user?.linux?.uid ??
        undefined;
      const nonRoot = spec.securityContext?.runAsNonRoot ?? this.spec.securityContext?.runAsNonRoot;
      const byUid = uid === 0 ? 'root' : 'nonRoot';
      const user = uid !== undefined ? byUid : nonRoot === true ? 'nonRoot' : 'unknown';
      const isInit = isInitList && spec.restartPolicy !== 'Always';
      return { name: spec.name ?? '', spec, status, isInit, uid, user };
    });
  }
}

/** Whether the container may not use the capability; names without `CAP_`. */
export function lacks({ spec }: ContainerView, capability: string): boolean {
  const { add, drop } = spec.securityContext?.capabilities ?? {};
  const added = (add ?? []).map(capabilityName);
  if (added.includes(capability) || added.includes('ALL')) return false;
  const dropped = (drop ?? []).map(capabilityName);
  return dropped.includes('ALL') || dropped.includes(capability);
}

/** The mount in which a path lies; undefined on the container's root file system. */
export function mountOf({ spec }: ContainerView, path: string): VolumeMount | undefined {
  const place = realPath(path);
  let deepest: VolumeMount | undefined;
  for (const mount of spec.volumeMounts ?? []) {
    const at = realPath(mount.mountPath ?? '');
    if (isAtOrBelow(place, at) && at.length >= realPath(deepest?.mountPath ?? '').length) deepest = mount;
  }
  return deepest;
}

/** In nearly every image /var/run is a link to /run. */
export function realPath(path: string): string {
  const clean = cleanPath(path);
  return isAtOrBelow(clean, '/var/run') ? clean.slice('/var'.length) : clean;
}
