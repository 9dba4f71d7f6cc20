import type { PodSecurityControl, RefusedField } from '../control.js';
import { setters } from '../message.js';
import { containerField } from '../podView.js';

/**
 * A Windows HostProcess container is Windows' privileged container: it runs on the host itself.
 *
 * Fields: `securityContext.windowsOptions.hostProcess` of the pod and of every container.
 * Allowed: false, unset.
 * Source: policy/check_windowsHostProcess.go, v1.0+.
 */
export const windowsHostProcess: PodSecurityControl = {
  id: 'windowsHostProcess',
  level: 'baseline',
  check({ spec, containers }) {
    const fields: RefusedField[] = [];
    if (spec.securityContext?.windowsOptions?.hostProcess === true) {
      fields.push({ field: 'spec.securityContext.windowsOptions.hostProcess', value: true });
    }
    for (const place of containers) {
      if (place.container.securityContext?.windowsOptions?.hostProcess !== true) continue;
      const field = containerField(place, 'securityContext.windowsOptions.hostProcess');
      fields.push({ field, container: place.name, value: true });
    }
    if (fields.length === 0) return undefined;
    return {
      message: `hostProcess (${setters(fields)} must not set securityContext.windowsOptions.hostProcess=true)`,
      fields,
    };
  },
};
