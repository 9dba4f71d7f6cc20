import { idOf, type Objects, type Rendered } from './render.js';

const SHIPPED = 'kube-harden';

/** Where the manifests name their own namespace: in fields of these names, alone or in a list. */
const FIELDS: ReadonlySet<string> = new Set(['namespace', 'matchNames', 'values']);

/** And inside of longer texts, by the kind of the object. */
const TEXTS: Readonly<
  Record<string, (namespace: string) => readonly (readonly [from: string, to: string])[]>
> = {
  Certificate: (namespace) => [['.kube-harden.svc', `.${namespace}.svc`]],
  Deployment: (namespace) => [
    ['kube-harden-preview.kube-harden.svc', `kube-harden-preview.${namespace}.svc`],
  ],
  MutatingWebhookConfiguration: (namespace) => [
    ['kube-harden/kube-harden-ca', `${namespace}/kube-harden-ca`],
  ],
  PrometheusRule: (namespace) => [
    ['{namespace="kube-harden"', `{namespace="${namespace}"`],
    ['kubectl -n kube-harden ', `kubectl -n ${namespace} `],
    [' namespace kube-harden', ` namespace ${namespace}`],
  ],
};

/** What the manifests would be, were their namespace another one. */
export function inNamespace(objects: Objects, namespace: string): Objects {
  const moved = [...objects.values()].map((object) => {
    const other = moveValue(object, '', object.kind, namespace) as Rendered;
    return object.kind === 'Namespace'
      ? { ...other, metadata: { ...other.metadata, name: namespace } }
      : other;
  });
  return new Map(moved.map((object) => [idOf(object), object]));
}

function moveValue(value: unknown, field: string, kind: string, namespace: string): unknown {
  if (Array.isArray(value)) return value.map((item) => moveValue(item, field, kind, namespace));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, moveValue(inner, key, kind, namespace)]),
    );
  if (value === SHIPPED && FIELDS.has(field)) return namespace;
  if (typeof value !== 'string') return value;
  return (TEXTS[kind]?.(namespace) ?? []).reduce((text, [from, to]) => text.replaceAll(from, to), value);
}
