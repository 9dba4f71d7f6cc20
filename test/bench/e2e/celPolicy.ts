/*
 * What kube-harden's policy `default` does to an ordinary pod, as a MutatingAdmissionPolicy would be written: each field
 * only where its author left it out. Two ways, since neither is plainly the better: as the documentation recommends, an
 * ApplyConfiguration for all that one can express, and a JSONPatch for `capabilities.drop`, an atomic list that it may not
 * touch; or one JSONPatch for everything, with lines for each container's index, since CEL has no loop that knows it.
 *
 * Both are less than kube-harden does: no image profiles, exceptions, opt-outs, LimitRanges, quotas, no containers that
 * start as root, no ports below 1024, no warnings that say what was changed.
 */
/** An item of a MutatingAdmissionPolicy's `mutations`. */
export type Mutation = Readonly<Record<string, unknown>>;

/** So many containers by their index. */
const CONTAINERS = 4;
const INIT_CONTAINERS = 2;

const POD_FIELDS: Readonly<Record<string, unknown>> = {
  runAsNonRoot: true,
  runAsUser: 65532,
  runAsGroup: 65532,
  fsGroup: 65532,
  fsGroupChangePolicy: 'OnRootMismatch',
  seccompProfile: { type: 'RuntimeDefault' },
};
const CONTAINER_FIELDS: Readonly<Record<string, unknown>> = {
  capabilities: { drop: ['ALL'] },
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
};
const RESOURCES: Readonly<Record<string, unknown>> = {
  requests: { cpu: '100m', memory: '128Mi' },
  limits: { cpu: '1', memory: '512Mi' },
};

/** One mutation: everything as a JSONPatch.
 * @param volumeNames of the emptyDirs of the first containers; others are named by their place */
export function jsonPatchMutations(volumeNames: readonly string[]): Mutation[] {
  const pod = missing('object.spec.securityContext', '/spec/securityContext', POD_FIELDS);
  const containers = Array.from({ length: CONTAINERS }, (_, index) =>
    container('containers', index, volumeNames[index] ?? `tmp-${index}`),
  );
  const init = Array.from({ length: INIT_CONTAINERS }, (_, index) =>
    container('initContainers', index, `init-tmp-${index}`),
  );
  return [{ patchType: 'JSONPatch', jsonPatch: { expression: [pod, ...containers, ...init].join(' +\n') } }];
}

/** Two mutations: an ApplyConfiguration, and a JSONPatch for what it may not do. */
export function applyConfigurationMutations(): Mutation[] {
  const ifMissing = (parent: string, name: string, value: string): string =>
    `?${name}: has(${parent}.${name}) ? optional.none() : optional.of(${value})`;
  const context = 'object.spec.securityContext';
  const container = 'Object.spec.containers';
  const hasTmp = 'c.?volumeMounts.orValue([]).exists(mount, mount.mountPath == "/tmp")';
  const own = (name: string, value: string): string =>
    `?${name}: c.?securityContext.?${name}.hasValue() ? optional.none() : optional.of(${value})`;
  const expression = `Object{spec: Object.spec{
    securityContext: Object.spec.securityContext{
      ${ifMissing(context, 'runAsNonRoot', 'true')},
      ${['runAsUser', 'runAsGroup', 'fsGroup'].map((name) => ifMissing(context, name, '65532')).join(',\n')},
      ${ifMissing(context, 'fsGroupChangePolicy', '"OnRootMismatch"')},
      ${ifMissing(context, 'seccompProfile', 'Object.spec.securityContext.seccompProfile{type: "RuntimeDefault"}')}
    },
    containers: object.spec.containers.map(c, ${container}{
      name: c.name,
      securityContext: ${container}.securityContext{
        ${own('allowPrivilegeEscalation', 'false')},
        ${own('readOnlyRootFilesystem', 'true')}
      },
      resources: ${container}.resources{
        ?requests: c.?resources.?requests.hasValue() ? optional.none() : optional.of({"cpu": "100m", "memory": "128Mi"}),
        ?limits: c.?resources.?limits.hasValue() ? optional.none() : optional.of({"cpu": "1", "memory": "512Mi"})
      },
      volumeMounts: ${hasTmp} ? [] : [${container}.volumeMounts{name: "tmp-" + c.name, mountPath: "/tmp"}]
    }),
    volumes: object.spec.containers.filter(c, !${hasTmp}).map(c,
      Object.spec.volumes{name: "tmp-" + c.name, emptyDir: Object.spec.volumes.emptyDir{sizeLimit: "1Gi"}})
  }}`;
  // The first mutation has seen to it that each container has a securityContext.
  const drops = Array.from({ length: CONTAINERS }, (_, index) => {
    const c = `object.spec.containers[${index}]`;
    const drop = add(
      `/spec/containers/${index}/securityContext/capabilities`,
      CONTAINER_FIELDS['capabilities'],
    );
    return `(size(object.spec.containers) > ${index} && !has(${c}.securityContext.capabilities) ? [${drop}] : [])`;
  });
  return [
    { patchType: 'ApplyConfiguration', applyConfiguration: { expression } },
    { patchType: 'JSONPatch', jsonPatch: { expression: drops.join(' +\n') } },
  ];
}

function container(list: 'containers' | 'initContainers', index: number, volume: string): string {
  const own = `object.spec.${list}[${index}]`;
  const path = `/spec/${list}/${index}`;
  const mount = { name: volume, mountPath: '/tmp' };
  const noMounts = `!has(${own}.volumeMounts)`;
  const parts = [
    `(!has(${own}.securityContext) ? [${add(`${path}/securityContext`, CONTAINER_FIELDS)}] : ${missing(`${own}.securityContext`, `${path}/securityContext`, CONTAINER_FIELDS)})`,
    `(${noMounts} ? [${add(`${path}/volumeMounts`, [mount])}] : ${own}.volumeMounts.exists(mount, mount.mountPath == "/tmp") ? [] : [${add(`${path}/volumeMounts/-`, mount)}])`,
    `(!${noMounts} && ${own}.volumeMounts.exists(mount, mount.mountPath == "/tmp") ? [] : [${add('/spec/volumes/-', { name: volume, emptyDir: { sizeLimit: '1Gi' } })}])`,
    // The API server has defaulted `resources` to an empty object.
    missing(`${own}.resources`, `${path}/resources`, RESOURCES),
  ];
  const isThere = `has(object.spec.${list}) && size(object.spec.${list}) > ${index}`;
  return `(${isThere} ? ${parts.join(' + ')} : [])`;
}

/** An operation for each field that is not there. */
function missing(parent: string, path: string, fields: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(fields).map(
    ([name, value]) => `(has(${parent}.${name}) ? [] : [${add(`${path}/${name}`, value)}])`,
  );
  return `(${parts.join(' + ')})`;
}

function add(path: string, value: unknown): string {
  return `JSONPatch{op: "add", path: "${path}", value: ${literal(value)}}`;
}

/** A CEL literal; the values of a map are of different types, which CEL wants to be told. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, item]) => `${JSON.stringify(key)}: dyn(${literal(item)})`)
    .join(', ')}}`;
}
