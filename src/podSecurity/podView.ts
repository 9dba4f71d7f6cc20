import type { Container, ObjectMeta, Pod, PodSpec } from '../hardening/podSpec.js';

/** A pod as the controls read it: its containers are gathered once, not once a control. */
export interface PodView {
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: PodSpec;
  readonly containers: readonly PlacedContainer[];
}

/** A container and where it stands. */
export interface PlacedContainer {
  readonly list: (typeof CONTAINER_LISTS)[number];
  readonly index: number;
  readonly name: string;
  readonly container: Container;
}

/** In the order in which upstream visits them, and so names them in messages (policy/visitor.go). */
const CONTAINER_LISTS = ['initContainers', 'containers', 'ephemeralContainers'] as const;

export function viewPod(pod: Pod): PodView {
  const metadata: ObjectMeta = pod.metadata ?? {};
  return {
    annotations: metadata.annotations ?? {},
    spec: pod.spec,
    containers: CONTAINER_LISTS.flatMap((list) =>
      (pod.spec[list] ?? []).map((container, index) => ({
        list,
        index,
        name: container.name ?? '',
        container,
      })),
    ),
  };
}

/** @example containerField(place, 'securityContext.privileged') → `spec.containers[0].securityContext.privileged` */
export function containerField({ list, index }: PlacedContainer, field: string): string {
  return `spec.${list}[${index}].${field}`;
}

/**
 * Upstream exempts a Windows pod from the restricted controls whose fields the API server refuses there (since v1.25),
 * and knows one only by `spec.os.name`. A nodeSelector does not count: the controls must hold wherever the pod lands.
 */
export function isWindowsPod({ spec }: PodView): boolean {
  return spec.os?.name === 'windows';
}

/**
 * In a user namespace root is not the host's root, so some controls allow more there (since v1.35). Only an explicit
 * `hostUsers: false` counts (policy/helpers.go, relaxPolicyForUserNamespacePod; no feature gate any more).
 */
export function inUserNamespace({ spec }: PodView): boolean {
  return spec.hostUsers === false;
}
