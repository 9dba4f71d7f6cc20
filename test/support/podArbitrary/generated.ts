import type { Json } from '../apiValidation/json.js';

export interface Generated {
  readonly kind: string;
  /**
   * `template`: a workload as its author wrote it; `bare`: a Pod as its author wrote it; `admitted`: that Pod as it
   * reaches admission; `owned`: the Pod that a controller sends; `ephemeral`: an update of pods/ephemeralcontainers.
   */
  readonly source: 'template' | 'bare' | 'admitted' | 'owned' | 'ephemeral';
  readonly object: Json;
  /** What the author wrote, where `object` is what became of it. */
  readonly manifest?: Json;
  /** The Pod before an `ephemeral` update. */
  readonly old?: Json;
}

export const TEMPLATE_KINDS = [
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'ReplicaSet',
  'ReplicationController',
  'Job',
  'CronJob',
  'PodTemplate',
] as const;
export type TemplateKind = (typeof TEMPLATE_KINDS)[number];
