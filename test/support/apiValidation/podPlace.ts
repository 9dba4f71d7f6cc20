import { fieldOf, type Json, objectsIn, own } from './json.js';
import type { Path, Report } from './report.js';

export interface PodPlace {
  readonly meta: Json;
  readonly spec: Json;
  readonly metaPath: Path;
  readonly specPath: Path;
  readonly isPod: boolean;
  /** What the controller accepts; undefined: anything. */
  readonly restartPolicies?: readonly string[];
  readonly claimTemplates: Json[];
}

export function locate(object: Json, report: Report): PodPlace | undefined {
  const kind = own(object, 'kind');
  const inTemplate = (
    holder: Json | undefined,
    path: Path,
    restartPolicies?: readonly string[],
  ): PodPlace | undefined => {
    const template = fieldOf(holder, 'template') ?? {};
    const claims =
      kind === 'StatefulSet' && holder !== undefined ? objectsIn(holder, 'volumeClaimTemplates') : [];
    return {
      meta: fieldOf(template, 'metadata') ?? {},
      spec: fieldOf(template, 'spec') ?? {},
      metaPath: `${path}template.metadata`,
      specPath: `${path}template.spec`,
      isPod: false,
      ...(restartPolicies === undefined ? {} : { restartPolicies }),
      claimTemplates: claims,
    };
  };
  const spec = fieldOf(object, 'spec');
  switch (kind) {
    case 'Pod':
      return {
        meta: fieldOf(object, 'metadata') ?? {},
        spec: spec ?? {},
        metaPath: 'metadata',
        specPath: 'spec',
        isPod: true,
        claimTemplates: [],
      };
    case 'Deployment':
    case 'StatefulSet':
    case 'DaemonSet':
    case 'ReplicaSet':
    case 'ReplicationController':
      return inTemplate(spec, 'spec.', ['Always']);
    case 'Job':
      return inTemplate(spec, 'spec.', ['OnFailure', 'Never']);
    case 'CronJob':
      return inTemplate(fieldOf(fieldOf(spec, 'jobTemplate'), 'spec'), 'spec.jobTemplate.spec.', [
        'OnFailure',
        'Never',
      ]);
    case 'PodTemplate':
      return inTemplate(object, '');
    default:
      report.add('kind', `not a workload: ${String(kind)}`);
      return undefined;
  }
}

export interface NamedContainer {
  readonly container: Json;
  readonly list: 'containers' | 'initContainers' | 'ephemeralContainers';
  readonly path: Path;
}

export function containersOf(spec: Json): NamedContainer[] {
  return (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((list) =>
    objectsIn(spec, list).map((container, i) => ({ container, list, path: `${list}[${i}]` })),
  );
}
