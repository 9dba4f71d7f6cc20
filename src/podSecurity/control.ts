import type { PodView } from './podView.js';

/** The levels of the Pod Security Standards, weakest first. */
export type Level = 'privileged' | 'baseline' | 'restricted';

/** One field that a control refuses. */
export interface RefusedField {
  /** Kubernetes field notation from the pod: `spec.containers[0].securityContext.privileged`. */
  readonly field: string;
  /** The container's name, where the field is (or, for an annotation, speaks of) a container's. */
  readonly container?: string;
  /** What the field holds; absent where it is unset and ought to be set. */
  readonly value?: unknown;
}

/** What a control says of a pod that it refuses. */
export interface Refusal {
  /**
   * One line, word for word what the API server's own Pod Security admission says: `reason (detail)`. An operator
   * who has met one recognises the other. Upstream names explicit bad values first and is silent about unset ones
   * beside them; `fields` lists both, so that a pod can be mended in one pass.
   */
  readonly message: string;
  readonly fields: readonly RefusedField[];
}

/** One control of the Pod Security Standards: metadata and one pure function. */
export interface PodSecurityControl {
  /** Upstream's check id; also the file's name. */
  readonly id: string;
  /** The lowest level that asks for it. `restricted` asks for the baseline controls too. */
  readonly level: 'baseline' | 'restricted';
  /** The minor of the first version of the standards that has it; absent where all have. */
  readonly since?: number;
  /**
   * @param minor of the version of the standards to judge by; not before `since`
   * @returns why the pod is refused, or undefined where it is not.
   */
  check(pod: PodView, minor: number): Refusal | undefined;
}
