import type { Json } from '../apiValidation/json.js';
import { freeFormMap, type Tape } from './tape.js';

export const LABELS = [
  'example.com/team',
  'constructor',
  'app.kubernetes.io/name',
  'toString',
  'a.b_c-d',
] as const;

const SECCOMP_ANNOTATIONS = [
  'runtime/default',
  'docker/default',
  'unconfined',
  'localhost/profiles/x.json',
  'localhost/other.json',
] as const;

export function podAnnotations(t: Tape, spec: Json, containers: Json[]): Json {
  const annotations: Json = t.chance(0.35) ? freeFormMap(t, LABELS) : {};
  if (t.chance(0.25)) {
    const value = t.pick(SECCOMP_ANNOTATIONS);
    annotations['seccomp.security.alpha.kubernetes.io/pod'] = value;
    agree(spec.securityContext, value);
  }
  if (t.chance(0.25))
    for (const container of t.some(containers, 0.6)) {
      const value = t.pick(SECCOMP_ANNOTATIONS);
      annotations[`container.seccomp.security.alpha.kubernetes.io/${String(container.name)}`] = value;
      agree(container.securityContext, value);
    }
  if (t.chance(0.25))
    for (const container of t.some(containers, 0.6)) {
      const value = t.pick(APPARMOR_ANNOTATIONS);
      if (agreesWithAppArmor(spec, container, value))
        annotations[`container.apparmor.security.beta.kubernetes.io/${String(container.name)}`] = value;
    }
  return annotations;
}

const APPARMOR_ANNOTATIONS = ['runtime/default', 'unconfined', 'unconfined', 'localhost/shop', ''] as const;

/** Makes the container's own field agree, which the API would refuse otherwise; not so one that it inherits. */
function agreesWithAppArmor(spec: Json, container: Json, annotation: string): boolean {
  const fieldOf = (holder: Json): Json | null | undefined =>
    (holder.securityContext as { appArmorProfile?: Json | null } | null | undefined)?.appArmorProfile;
  const own = fieldOf(container);
  const effective = own ?? fieldOf(spec);
  if (!effective) return true;
  const said = { Localhost: 'localhost/shop', Unconfined: 'unconfined', RuntimeDefault: 'runtime/default' }[
    String(effective.type)
  ];
  if (said === annotation) return true;
  if (!own || fieldOf(spec)) return false;
  delete (container.securityContext as Json).appArmorProfile;
  return true;
}

/** A field that the API would refuse beside this annotation goes. */
function agree(context: unknown, annotation: string): void {
  if (typeof context !== 'object' || context === null || !('seccompProfile' in context)) return;
  const field = context.seccompProfile as Json | null;
  const said =
    field === null
      ? undefined
      : field.type === 'Localhost'
        ? `localhost/${String(field.localhostProfile)}`
        : field.type === 'Unconfined'
          ? 'unconfined'
          : annotation === 'docker/default'
            ? annotation
            : 'runtime/default';
  if (said !== undefined && said !== annotation) delete context.seccompProfile;
}
