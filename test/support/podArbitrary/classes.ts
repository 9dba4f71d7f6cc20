import type { Json } from '../apiValidation/json.js';
import { type Generated, TEMPLATE_KINDS } from './generated.js';

interface Seen {
  readonly generated: Generated;
  readonly meta: Json;
  readonly spec: Json;
  /** All containers, with the list in which they stand. */
  readonly containers: { list: string; container: Json }[];
  readonly contexts: Json[];
  readonly podContext: Json;
  readonly volumes: Json[];
  /** The whole object as JSON, for what may stand anywhere. */
  readonly text: string;
}

const at = (value: unknown, ...keys: string[]): unknown =>
  keys.reduce<unknown>(
    (v, key) => (typeof v === 'object' && v !== null && Object.hasOwn(v, key) ? (v as Json)[key] : undefined),
    value,
  );
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const list = (value: unknown): Json[] => (Array.isArray(value) ? (value as Json[]) : []);
const keysOf = (value: unknown): string[] =>
  typeof value === 'object' && value !== null ? Object.keys(value) : [];
const added = (context: Json): string[] => (at(context, 'capabilities', 'add') ?? []) as string[];
const dropped = (context: Json): string[] => (at(context, 'capabilities', 'drop') ?? []) as string[];
const resourceLists = (seen: Seen): unknown[] =>
  seen.containers.flatMap(({ container }) => [
    at(container, 'resources', 'requests'),
    at(container, 'resources', 'limits'),
  ]);
const isWindowsTerm = (term: Json): boolean =>
  list(term.matchExpressions).some(
    (e) =>
      String(e.key).endsWith('kubernetes.io/os') && e.operator === 'In' && String(e.values) === 'windows',
  );
const terms = (seen: Seen): Json[] =>
  list(
    at(
      seen.spec,
      'affinity',
      'nodeAffinity',
      'requiredDuringSchedulingIgnoredDuringExecution',
      'nodeSelectorTerms',
    ),
  );

const CLASSES: Record<string, (seen: Seen) => boolean> = {
  'source bare Pod': ({ generated }) => generated.source === 'bare' || generated.source === 'admitted',
  'source owned Pod': ({ generated }) => generated.source === 'owned',
  'source DaemonSet Pod': ({ meta }) =>
    list(meta.ownerReferences).some((owner) => owner.kind === 'DaemonSet'),
  'source pods/ephemeralcontainers': ({ generated }) => generated.source === 'ephemeral',
  ...Object.fromEntries(
    TEMPLATE_KINDS.map((kind) => [
      `kind ${kind}`,
      ({ generated }: Seen) => generated.kind === kind || kindOf(generated) === kind,
    ]),
  ),
  'ordinary container': ({ containers }) => containers.some((c) => c.list === 'containers'),
  'init container': ({ containers }) =>
    containers.some((c) => c.list === 'initContainers' && c.container.restartPolicy !== 'Always'),
  sidecar: ({ containers }) =>
    containers.some((c) => c.list === 'initContainers' && c.container.restartPolicy === 'Always'),
  'ephemeral container': ({ containers }) => containers.some((c) => c.list === 'ephemeralContainers'),
  'windows by os': ({ spec }) => at(spec, 'os', 'name') === 'windows',
  'windows by nodeSelector': ({ spec }) => at(spec, 'nodeSelector', 'kubernetes.io/os') === 'windows',
  'windows by affinity': (seen) => terms(seen).length > 0 && terms(seen).every(isWindowsTerm),
  'windows only in a fake hostProcess': ({ podContext }) =>
    at(podContext, 'windowsOptions', 'hostProcess') === true,
  'privileged true': ({ contexts }) => contexts.some((c) => c.privileged === true),
  'runAsUser 0': ({ contexts, podContext }) => [podContext, ...contexts].some((c) => c.runAsUser === 0),
  'runAsNonRoot false': ({ contexts, podContext }) =>
    [podContext, ...contexts].some((c) => c.runAsNonRoot === false),
  'allowPrivilegeEscalation true': ({ contexts }) =>
    contexts.some((c) => c.allowPrivilegeEscalation === true),
  'seccomp Unconfined': ({ contexts, podContext }) =>
    [podContext, ...contexts].some((c) => at(c, 'seccompProfile', 'type') === 'Unconfined'),
  'AppArmor Unconfined': ({ contexts, podContext }) =>
    [podContext, ...contexts].some((c) => at(c, 'appArmorProfile', 'type') === 'Unconfined'),
  'AppArmor annotation': ({ meta }) =>
    keysOf(meta.annotations).some((key) => key.startsWith('container.apparmor')),
  'procMount Unmasked': ({ contexts }) => contexts.some((c) => c.procMount === 'Unmasked'),
  'supplementalGroupsPolicy Merge': ({ podContext }) => podContext.supplementalGroupsPolicy === 'Merge',
  'id above 65535': ({ contexts, podContext }) =>
    [podContext, ...contexts].some(
      (c) => Number(c.runAsUser) > 65535 || String(c.supplementalGroups).includes('70000'),
    ),
  'capability added': ({ contexts }) => contexts.some((c) => added(c).length > 0),
  'capability added with CAP_ or in lower case': ({ contexts }) =>
    contexts.some((c) => added(c).some((name) => /^CAP_|[a-z]/.test(name))),
  'capability ALL or SYS_ADMIN added': ({ contexts }) =>
    contexts.some((c) => added(c).some((name) => /all$|sys_admin$/i.test(name))),
  'drop that is not [ALL]': ({ contexts }) =>
    contexts.some((c) => dropped(c).length > 0 && String(dropped(c)) !== 'ALL'),
  'already strong': ({ contexts }) =>
    contexts.some(
      (c) => c.runAsNonRoot === true && String(dropped(c)) === 'ALL' && c.readOnlyRootFilesystem === true,
    ),
  'raw device': ({ containers }) => containers.some((c) => list(c.container.volumeDevices).length > 0),
  'persistent volume': ({ volumes, generated }) =>
    volumes.some((v) => v.persistentVolumeClaim !== undefined) || kindOf(generated) === 'StatefulSet',
  "author's kube-api-access volume": ({ volumes }) =>
    volumes.some(
      (v) =>
        String(v.name).startsWith('kube-api-access') &&
        at(v, 'projected', 'sources') !== undefined &&
        list(at(v, 'projected', 'sources')).length === 1,
    ),
  'injected token volume': ({ volumes }) => volumes.some((v) => v.name === 'kube-api-access-x7k2p'),
  'hostPath to a socket or above it': ({ volumes }) =>
    volumes.some((v) => /sock$|^\/+(var\/+run\/*|run\/*)?$/.test(String(at(v, 'hostPath', 'path')))),
  'hostPath that is not clean': ({ volumes }) =>
    volumes.some((v) => /\/\/|\/\.|.\/$/.test(text(at(v, 'hostPath', 'path')))),
  'mount at or above /tmp': ({ containers }) =>
    containers.some((c) =>
      list(c.container.volumeMounts).some((m) => /^\/*(tmp\/*|tmp\/\.\.\/tmp)?$/.test(String(m.mountPath))),
    ),
  'volume name that the engine would take': ({ text }) => text.includes('"kube-harden-tmp-'),
  flexVolume: ({ volumes }) => volumes.some((v) => v.flexVolume !== undefined),
  'pod-level resources': ({ spec }) => keysOf(spec.resources).length > 0,
  'request without limit': ({ containers }) =>
    containers.some(({ container }) =>
      keysOf(at(container, 'resources', 'requests')).some(
        (k) => !keysOf(at(container, 'resources', 'limits')).includes(k),
      ),
    ),
  'limit without request': ({ containers }) =>
    containers.some(({ container }) =>
      keysOf(at(container, 'resources', 'limits')).some(
        (k) => !keysOf(at(container, 'resources', 'requests')).includes(k),
      ),
    ),
  'odd quantity': (seen) =>
    resourceLists(seen).some((r) =>
      Object.values((r ?? {}) as Json).some((q) => typeof q === 'number' || /[.eE+]|[nu]$/.test(String(q))),
    ),
  'key that needs ~1': ({ meta, spec }) =>
    [meta.annotations, meta.labels, spec.nodeSelector].some((map) =>
      keysOf(map).some((key) => key.includes('/')),
    ),
  'key that needs ~0': ({ volumes }) =>
    volumes.some((v) =>
      [...keysOf(at(v, 'csi', 'volumeAttributes')), ...keysOf(at(v, 'flexVolume', 'options'))].some((key) =>
        key.includes('~'),
      ),
    ),
  'key __proto__': ({ volumes }) =>
    volumes.some((v) =>
      [at(v, 'csi', 'volumeAttributes'), at(v, 'flexVolume', 'options')].some((map) =>
        keysOf(map).includes('__proto__'),
      ),
    ),
  'key or name constructor': ({ text }) => text.includes('"constructor"'),
  'seccomp annotation on the pod': ({ meta }) =>
    at(meta.annotations, 'seccomp.security.alpha.kubernetes.io/pod') !== undefined,
  'seccomp annotation on a container': ({ meta }) =>
    keysOf(meta.annotations).some((key) => key.startsWith('container.seccomp')),
  'null where a field is optional': ({ text }) => /:null[,}]/.test(text),
  hostNetwork: ({ spec }) => spec.hostNetwork === true,
  'enableServiceLinks false': ({ spec }) => spec.enableServiceLinks === false,
  'imagePullPolicy Never': ({ containers }) =>
    containers.some(({ container }) => container.imagePullPolicy === 'Never'),
  'image volume': ({ volumes }) => volumes.some((v) => v.image !== undefined),
  'hostUsers true': ({ spec }) => spec.hostUsers === true,
  'hostUsers false': ({ spec }) => spec.hostUsers === false,
  sysctls: ({ podContext }) => list(podContext.sysctls).length > 0,
  'port below 1024': ({ containers }) =>
    containers.some((c) => list(c.container.ports).some((p) => Number(p.containerPort) < 1024)),
  tolerations: ({ generated, spec }) =>
    list(spec.tolerations).length > (generated.source === 'template' || generated.source === 'bare' ? 0 : 2),
  'several or empty nodeSelectorTerms': (seen) =>
    terms(seen).length > 1 || terms(seen).some((term) => keysOf(term).length === 0),
  mountPropagation: ({ containers }) =>
    containers.some((c) =>
      list(c.container.volumeMounts).some(
        (m) => m.mountPropagation !== undefined && m.mountPropagation !== 'None',
      ),
    ),
  volumeClaimTemplates: ({ generated }) =>
    list(at(generated.object, 'spec', 'volumeClaimTemplates')).length > 0,
};

/** The kind from which an owned Pod came, else the object's own. */
const kindOf = ({ kind, source, manifest }: Generated): string =>
  source === 'owned' ? String(manifest?.kind) : kind;

/** All classes there are, for a table that also shows the empty ones. */
export const ALL_CLASSES: readonly string[] = Object.keys(CLASSES);

/** Which of the classes a generated object belongs to. */
export function classesOf(generated: Generated): string[] {
  const { object } = generated;
  const holder =
    object.kind === 'Pod'
      ? object
      : object.kind === 'PodTemplate'
        ? object.template
        : (at(object, 'spec', 'template') ?? at(object, 'spec', 'jobTemplate', 'spec', 'template'));
  const spec = (at(holder, 'spec') ?? {}) as Json;
  const containers = ['containers', 'initContainers', 'ephemeralContainers'].flatMap((name) =>
    list(spec[name]).map((container) => ({ list: name, container })),
  );
  const seen: Seen = {
    generated,
    meta: (at(holder, 'metadata') ?? {}) as Json,
    spec,
    containers,
    contexts: containers.map(({ container }) => (container.securityContext ?? {}) as Json),
    podContext: (spec.securityContext ?? {}) as Json,
    volumes: list(spec.volumes),
    text: JSON.stringify(object),
  };
  return ALL_CLASSES.filter((name) => CLASSES[name]?.(seen) === true);
}

/**
 * Whether a manifest names a null or an empty list. `kubectl apply` of such a manifest takes away what stands in that
 * field of the live object, also what we wrote there, and the API server never shows it to a webhook: a Pod that was
 * hardened there refuses the second apply, and nothing can be done about it.
 */
export const namesEmpty = (manifest: Json): boolean => /:(null|\[\])[,}]/.test(JSON.stringify(manifest));
