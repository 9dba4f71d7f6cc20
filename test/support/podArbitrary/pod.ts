import type { Json } from '../apiValidation/json.js';
import { LABELS, podAnnotations } from './annotations.js';
import { CONTAINER_NAMES, containerPorts, IMAGES } from './containers.js';
import { LITTLE, PLENTY, REQUESTS_ONLY, resources } from './resources.js';
import { scheduling } from './scheduling.js';
import { podSecurityContext, securityContext } from './securityContext.js';
import { distinct, freeFormMap, type Tape } from './tape.js';
import type { Traits } from './traits.js';
import { mount, podVolumes } from './volumes.js';

interface Wishes {
  readonly claims: readonly string[];
  readonly restartPolicies: readonly [string, ...string[]];
}

export function podParts(t: Tape, wishes: Wishes): { metadata: Json; spec: Json } {
  const windows = t.chance(0.32)
    ? t.pick(['os', 'nodeSelector', 'affinity', 'hostProcess', 'linux'] as const)
    : 'no';
  const linuxFields = windows !== 'os';
  const hostNetwork = windows === 'hostProcess' || t.chance(0.15);
  const hostPID = linuxFields && t.chance(0.08);
  const hostIPC = linuxFields && t.chance(0.08);
  const hostUsers = !(linuxFields && !hostNetwork && !hostPID && !hostIPC && t.chance(0.2));
  const pod: Traits = { linuxFields, windows, hostNetwork, hostUsers };

  const volumes = podVolumes(t, wishes.claims, hostUsers);
  const levels = linuxFields && t.chance(0.2) ? t.pick([PLENTY, LITTLE, REQUESTS_ONLY] as const) : undefined;
  const ports = new Set<number>();
  const names = distinct(t, CONTAINER_NAMES, 6);
  const container = (): Json => {
    const result: Json = { name: names.shift() ?? 'last', image: t.pick(IMAGES) };
    const context = t.chance(0.75) ? securityContext(t, pod) : undefined;
    if (context !== undefined) result.securityContext = context;
    else if (t.chance(0.15)) result.securityContext = null;
    const wanted = levels === LITTLE ? undefined : resources(t, levels !== undefined);
    if (wanted !== undefined) result.resources = wanted;
    mount(t, result, volumes, context?.privileged === true);
    if (t.chance(0.3)) result.imagePullPolicy = t.pick(['Always', 'IfNotPresent', 'Never'] as const);
    if (t.chance(0.35)) result.ports = containerPorts(t, ports, hostNetwork);
    if (t.chance(0.2))
      result.command = t.pick([['sleep', '1d'], ['sh', '-c', '/usr/sbin/sshd -D'], ['dropbear']] as const);
    if (t.chance(0.1))
      result.env = [
        { name: '__proto__', value: '~/x' },
        { name: 'A~B', value: 'y' },
      ];
    return result;
  };
  const containers = Array.from({ length: 1 + t.upTo(2) }, container);
  const initContainers = Array.from({ length: t.chance(0.45) ? 1 + t.upTo(1) : 0 }, () => {
    const init = container();
    if (t.chance(0.5)) init.restartPolicy = 'Always';
    return init;
  });

  const spec: Json = { containers };
  if (initContainers.length > 0) spec.initContainers = initContainers;
  else if (t.chance(0.1)) spec.initContainers = null;
  if (wishes.restartPolicies[0] !== 'Always' || t.chance(0.2))
    spec.restartPolicy = t.pick(wishes.restartPolicies);
  if (volumes.declared.length > 0) spec.volumes = volumes.declared;
  else if (t.chance(0.2)) spec.volumes = null;
  if (windows === 'os') spec.os = { name: 'windows' };
  if (windows === 'linux') spec.os = { name: 'linux' };
  if (hostNetwork) spec.hostNetwork = true;
  else if (t.chance(0.1)) spec.hostNetwork = false;
  if (hostPID) spec.hostPID = true;
  if (hostIPC) spec.hostIPC = true;
  if (!hostUsers) spec.hostUsers = false;
  else if (linuxFields && t.chance(0.15)) spec.hostUsers = true;
  if (t.chance(0.25)) spec.enableServiceLinks = t.pick([true, false] as const);
  if (levels !== undefined) spec.resources = { ...levels };
  if (t.chance(0.2)) spec.automountServiceAccountToken = t.pick([true, false] as const);
  if (t.chance(0.2)) spec.serviceAccountName = 'runner';
  const context = podSecurityContext(t, pod, hostIPC);
  if (context !== undefined) spec.securityContext = context;
  scheduling(t, spec, windows);
  const metadata: Json = {};
  const labels = t.chance(0.4) ? freeFormMap(t, LABELS) : undefined;
  if (labels !== undefined) metadata.labels = labels;
  const annotations = podAnnotations(t, spec, [...initContainers, ...containers]);
  if (Object.keys(annotations).length > 0) metadata.annotations = annotations;
  else if (t.chance(0.1)) metadata.annotations = null;
  return { metadata, spec };
}
