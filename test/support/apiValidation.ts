/**
 * What kube-apiserver's validation refuses, as far as hardening could get it wrong: an oracle that is independent of
 * our rules. Written from kubernetes v1.36.4 (pkg/apis/core/validation/validation.go, pkg/apis/core/v1/defaults.go,
 * pkg/apis/apps/validation/validation.go, apimachinery/pkg/api/resource/quantity.go), and compared with that code,
 * compiled, over the corpora and generated objects.
 *
 * Left out on purpose, since hardening never touches it: probes, env, DNS, topology spread, affinity between pods, the
 * insides of most volume sources, selectors and everything of a controller but its pod template.
 */
import { fieldOf, isObject, type Json, objectsIn, own } from './apiValidation/json.js';
import { APPARMOR_CONTAINER } from './apiValidation/metadata.js';
import { validatePod } from './apiValidation/pod.js';
import { containersOf, locate } from './apiValidation/podPlace.js';
import { addDefaultTolerations, applyOver, defaulted, differences } from './apiValidation/podUpdate.js';
import { Report } from './apiValidation/report.js';
import { semanticallyEqual } from './apiValidation/semanticEquality.js';

export type { Json } from './apiValidation/json.js';
export { quantityNanos } from './apiValidation/quantity.js';

/**
 * What the API server would say to the creation of this object (after defaulting, which runs again after webhooks);
 * nothing means accepted. For kinds with a template: the controller's checks of its pod template.
 */
export function validateObject(object: Json): string[] {
  const report = new Report();
  const place = locate(object, report);
  if (place !== undefined) validatePod(place, report, true);
  return report.errors;
}

/**
 * What it would say to an update of `pods/ephemeralcontainers`: the whole pod is validated (without the checks that
 * only a creation gets, such as seccomp annotations), and containers that exist may neither change nor go.
 */
export function validateEphemeralContainersUpdate(old: Json, object: Json): string[] {
  const report = new Report();
  const place = locate(object, report);
  if (place === undefined) return report.errors;
  validatePod(place, report, false);
  const annotationsOf = (pod: Json): Json => fieldOf(fieldOf(pod, 'metadata'), 'annotations') ?? {};
  const [before, after] = [annotationsOf(old), annotationsOf(object)];
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)]))
    if (key.startsWith(APPARMOR_CONTAINER) && own(before, key) !== own(after, key))
      report.add(
        `metadata.annotations[${key}]`,
        'Forbidden: may not add, remove or update AppArmor annotations',
      );
  const path = 'spec.ephemeralContainers';
  const now = new Map(objectsIn(place.spec, 'ephemeralContainers').map((c) => [own(c, 'name'), c]));
  for (const container of objectsIn(fieldOf(old, 'spec') ?? {}, 'ephemeralContainers')) {
    const name = String(own(container, 'name'));
    const found = now.get(name);
    if (found === undefined)
      report.add(path, `Forbidden: existing ephemeral containers "${name}" may not be removed`);
    else if (!semanticallyEqual(container, found))
      report.add(path, `Forbidden: existing ephemeral containers "${name}" may not be changed`);
  }
  return report.errors;
}

/**
 * Not the API's business, but no container that we wrote to may end so: `runAsNonRoot: true` beside an effective
 * uid 0 is a container that the kubelet does not start (CreateContainerConfigError).
 */
export function runAsNonRootWithUidZero(object: Json): string[] {
  const place = locate(object, new Report());
  if (place === undefined) return [];
  const pod = fieldOf(place.spec, 'securityContext') ?? {};
  return containersOf(place.spec).flatMap(({ container, path }) => {
    const context = fieldOf(container, 'securityContext') ?? {};
    const nonRoot = own(context, 'runAsNonRoot') ?? own(pod, 'runAsNonRoot');
    const uid = own(context, 'runAsUser') ?? own(pod, 'runAsUser');
    return nonRoot === true && uid === 0
      ? [`${place.specPath}.${path}.securityContext: runAsNonRoot is true and the effective runAsUser is 0`]
      : [];
  });
}

/**
 * Not refused by the API either: a volumeClaimTemplate silently replaces a volume of its name
 * (apps/validation volumesToAddForTemplates, statefulset updateStorage), so an emptyDir of ours would be lost.
 */
export function volumeClaimTemplateClashes(object: Json): string[] {
  const place = locate(object, new Report());
  if (place === undefined) return [];
  const claims = new Set(place.claimTemplates.map((claim) => own(fieldOf(claim, 'metadata') ?? {}, 'name')));
  return objectsIn(place.spec, 'volumes').flatMap((volume, i) =>
    claims.has(own(volume, 'name'))
      ? [`${place.specPath}.volumes[${i}].name: ${String(own(volume, 'name'))} is also a volumeClaimTemplate`]
      : [],
  );
}

/**
 * What the API server would refuse when the author applies the same manifest again (client-side `kubectl apply`)
 * over the live Pod: all of `spec` is immutable but images, activeDeadlineSeconds and added tolerations.
 * Some manifests are refused even where nothing was hardened: `volumes: null` takes the token volume away, for a null
 * in a manifest deletes. So compare: what `barePod(manifest)` accepts, the hardened Pod has to accept.
 *
 * @param live the Pod as stored: hardened, with API defaults (see controllerPod.ts `barePod`)
 * @param manifest the author's own, from which `live` came
 */
export function podUpdateAccepted(live: Json, manifest: Json): string[] {
  const merged = applyOver(live, manifest, '', false);
  if (!isObject(merged)) return ['the manifest is not an object'];
  addDefaultTolerations(merged);
  const errors = validateObject({
    ...merged,
    spec: { ...fieldOf(merged, 'spec'), ephemeralContainers: null },
  }).filter((message) => !/seccomp type in annotation|apparmor type in annotation/.test(message));
  const before = defaulted(fieldOf(live, 'spec') ?? {});
  const after = defaulted(fieldOf(merged, 'spec') ?? {});
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (key === 'activeDeadlineSeconds') continue;
    if (key === 'tolerations') {
      const kept = objectsIn(after, key).map((item) => ({ ...item, tolerationSeconds: null }));
      for (const old of objectsIn(before, key))
        if (!kept.some((item) => semanticallyEqual(item, { ...old, tolerationSeconds: null })))
          errors.push(
            'spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds',
          );
      continue;
    }
    for (const path of differences(own(before, key), own(after, key), key))
      errors.push(`spec.${path}: Forbidden: pod updates may not change fields other than image`);
  }
  return errors;
}
