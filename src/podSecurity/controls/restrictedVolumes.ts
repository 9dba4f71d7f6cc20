import type { Volume } from '../../hardening/podSpec.js';
import type { PodSecurityControl } from '../control.js';
import { distinct, plural, quote } from '../message.js';

const ALLOWED_SOURCES: ReadonlySet<string> = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
]);

/**
 * A pod may mount only volumes that hold its own data, or that an administrator has provided: not the host's files, nor
 * the network storage whose drivers run in the host's kernel with the pod's choice of parameters.
 *
 * Fields: `spec.volumes[*].<source>`.
 * Allowed: configMap, csi, downwardAPI, emptyDir, ephemeral, image, persistentVolumeClaim, projected, secret; no source
 * at all, which the API server makes an emptyDir before its own admission looks. Whatever is not in that list is
 * refused, also a source that a later Kubernetes adds (upstream calls it `unknown`; here it keeps its name).
 * Source: policy/check_restrictedVolumes.go, v1.0+.
 */
export const restrictedVolumes: PodSecurityControl = {
  id: 'restrictedVolumes',
  level: 'restricted',
  check({ spec }) {
    const refused = (spec.volumes ?? []).flatMap((volume, index) =>
      refusedSources(volume).map((source) => ({ volume, index, source })),
    );
    if (refused.length === 0) return undefined;
    const names = [...new Set(refused.map(({ volume }) => volume.name ?? ''))];
    const types = distinct(refused.map(({ source }) => source));
    return {
      message: `restricted volume types (${plural('volume', names.length)} ${quote(names)} ${names.length === 1 ? 'uses' : 'use'} ${plural('restricted volume type', types.length)} ${quote(types)})`,
      fields: refused.map(({ volume, index, source }) => ({
        field: `spec.volumes[${index}].${source}`,
        value: volume[source],
      })),
    };
  },
};

/** A volume with an allowed source passes whatever stands beside it; the API server refuses two sources anyway. */
function refusedSources(volume: Volume): string[] {
  const sources = Object.keys(volume).filter(
    (key) => key !== 'name' && (volume[key] ?? undefined) !== undefined,
  );
  return sources.some((source) => ALLOWED_SOURCES.has(source)) ? [] : sources;
}
