import type { Json } from '../apiValidation/json.js';

/** What a pod's other fields depend on. */
export interface Traits {
  /** `spec.os` is windows: the API forbids every Linux field. */
  readonly linuxFields: boolean;
  readonly windows: 'no' | 'os' | 'nodeSelector' | 'affinity' | 'hostProcess' | 'linux';
  readonly hostNetwork: boolean;
  readonly hostUsers: boolean;
}

export const traits = (spec: Json): Traits => ({
  linuxFields: (spec.os as Json | undefined)?.name !== 'windows',
  windows: (spec.os as Json | undefined)?.name === 'linux' ? 'linux' : 'no',
  hostNetwork: spec.hostNetwork === true,
  hostUsers: spec.hostUsers !== false,
});
