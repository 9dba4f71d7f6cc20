/**
 * fast-check arbitraries for objects that the API server accepts, valid by construction, thick with the cases in which
 * hardening could go wrong. A case is drawn from a tape of bytes: a byte of 0 always takes the plainest alternative,
 * so that shrinking (which drives bytes to 0) leaves the one exotic thing that matters.
 */
import fc from 'fast-check';
import type { Json } from './apiValidation/json.js';
import { barePod, controllerPod } from './controllerPod.js';
import { IMAGES } from './podArbitrary/containers.js';
import { type Generated, TEMPLATE_KINDS } from './podArbitrary/generated.js';
import { podManifest, template } from './podArbitrary/objects.js';
import { securityContext } from './podArbitrary/securityContext.js';
import { type Tape, tape } from './podArbitrary/tape.js';
import { traits } from './podArbitrary/traits.js';

export { ALL_CLASSES, classesOf, namesEmpty } from './podArbitrary/classes.js';
export { TEMPLATE_KINDS, type Generated } from './podArbitrary/generated.js';

/** Pods as their authors write them: nulls, odd quantities and all. */
export const barePodManifest: fc.Arbitrary<Generated> = tape.map((t) => {
  const manifest = podManifest(t);
  return { kind: 'Pod', source: 'bare', object: manifest };
});

/** The same as they reach admission. */
export const admittedPod: fc.Arbitrary<Generated> = tape.map(admitted);

/** Pods that a controller owns, DaemonSets among them. */
export const ownedPod: fc.Arbitrary<Generated> = tape.map(owned);

/** All eight kinds with a template. */
export const templateObject: fc.Arbitrary<Generated> = tape.map((t) => template(t, t.pick(TEMPLATE_KINDS)));

/** Updates of pods/ephemeralcontainers. */
export const ephemeralUpdate: fc.Arbitrary<Generated> = tape.map(ephemeral);

/** Everything above, in the proportions in which it is easy to go wrong. */
export const workload: fc.Arbitrary<Generated> = tape.map((t) => {
  const source = t.pick([
    'template',
    'template',
    'template',
    'admitted',
    'admitted',
    'bare',
    'owned',
    'owned',
    'ephemeral',
  ] as const);
  switch (source) {
    case 'template':
      return template(t, t.pick([...TEMPLATE_KINDS, 'StatefulSet', 'PodTemplate']));
    case 'bare':
      return { kind: 'Pod', source: 'bare', object: podManifest(t) };
    case 'admitted':
      return admitted(t);
    case 'owned':
      return owned(t);
    case 'ephemeral':
      return ephemeral(t);
  }
});

function admitted(t: Tape): Generated {
  const manifest = podManifest(t);
  return { kind: 'Pod', source: 'admitted', object: barePod(manifest), manifest };
}

function owned(t: Tape): Generated {
  const kind = t.pick([
    'Deployment',
    'DaemonSet',
    'StatefulSet',
    'Job',
    'DaemonSet',
    'ReplicaSet',
    'CronJob',
    'ReplicationController',
  ] as const);
  const manifest = template(t, kind).object;
  return { kind: 'Pod', source: 'owned', object: controllerPod(manifest), manifest };
}

function ephemeral(t: Tape): Generated {
  const before = (t.chance(0.5) ? owned(t) : admitted(t)).object;
  const spec = before.spec as Json;
  const debug = (i: number): Json => ({
    name: `debugger-${i}`,
    image: t.pick(IMAGES),
    resources: {},
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: 'IfNotPresent',
    ...(t.chance(0.6) ? { stdin: true, tty: true } : {}),
    ...(t.chance(0.4) ? { targetContainerName: firstContainer(spec).name } : {}),
    ...(t.chance(0.6) ? { securityContext: withoutNulls(securityContext(t, traits(spec))) } : {}),
  });
  const existing = t.chance(0.5) ? [debug(0)] : [];
  const added = [debug(1), ...(t.chance(0.3) ? [debug(2)] : [])];
  const withContainers = (containers: Json[]): Json => ({
    ...before,
    metadata: { ...(before.metadata as Json), name: 'live', uid: '5b9a4b1e', resourceVersion: '42' },
    spec: {
      ...spec,
      nodeName: 'node-1',
      ...(containers.length === 0 ? {} : { ephemeralContainers: containers }),
    },
    status: { phase: 'Running' },
  });
  return {
    kind: 'Pod',
    source: 'ephemeral',
    object: withContainers([...existing, ...added]),
    old: withContainers(existing),
  };
}

const firstContainer = (spec: Json): Json => (spec.containers as Json[])[0] ?? {};

function withoutNulls(value: Json): Json {
  return JSON.parse(JSON.stringify(value, (_, item: unknown) => (item === null ? undefined : item))) as Json;
}
