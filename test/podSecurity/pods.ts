import type { Container, Pod, PodSpec } from '../../src/hardening/podSpec.js';

/** The smallest container and pod that reach `restricted`; a test spoils the one field that it is about. */

export const RESTRICTED_SECURITY_CONTEXT = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
};

export function restrictedContainer(name: string, change: Container = {}): Container {
  return {
    name,
    image: 'registry.k8s.io/pause',
    ...change,
    securityContext: { ...RESTRICTED_SECURITY_CONTEXT, ...change.securityContext },
  };
}

export function restrictedPod(spec: PodSpec = {}, annotations?: Record<string, string>): Pod {
  return {
    metadata: { name: 'web', ...(annotations && { annotations }) },
    spec: {
      containers: [restrictedContainer('web')],
      ...spec,
      securityContext: {
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
        ...spec.securityContext,
      },
    },
  };
}
