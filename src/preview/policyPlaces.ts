import { isRecord } from '../hardening/locate.js';
import type { Path } from '../hardening/rule.js';
import { parseKubernetesYaml, type KubernetesDocument } from '../policy/yaml.js';

/** A file with policies, which has been loaded without an error. */
export interface PolicyFile {
  readonly name: string;
  readonly text: string;
}

interface Place {
  readonly file: string;
  readonly document: KubernetesDocument;
  readonly at: Path;
  readonly object: Readonly<Record<string, unknown>>;
}

/** Where policies say what they say. */
export class PolicyPlaces {
  readonly #policies = new Map<string, Place>();

  /** @param files in the order in which they are loaded: of two policies of one name the later counts */
  constructor(files: readonly PolicyFile[]) {
    for (const { name, text } of files) {
      for (const document of parseKubernetesYaml(text)) this.#add(name, document);
    }
  }

  /**
   * @param path from the policy: `['spec', 'rules', 'runAsUser', 'action']`
   * @returns `policies.yaml:12`; undefined where no file has this policy, or the policy leaves the field out
   */
  of(policy: string, path: Path): string | undefined {
    const place = this.#policies.get(policy);
    if (!place || !isSet(place.object, path)) return undefined;
    const position = place.document.position([...place.at, ...path]);
    return position && `${place.file}:${position.line}`;
  }

  #add(file: string, document: KubernetesDocument): void {
    const { object } = document;
    const items: unknown = isRecord(object) ? object['items'] : undefined;
    const found: [object: unknown, at: Path][] = Array.isArray(items)
      ? items.map((item: unknown, index) => [item, ['items', index]])
      : [[object, []]];
    for (const [policy, at] of found) {
      if (!isRecord(policy)) continue;
      const { metadata } = policy;
      const name = isRecord(metadata) ? metadata['name'] : undefined;
      if (typeof name === 'string') this.#policies.set(name, { file, document, at, object: policy });
    }
  }
}

/** As Kubernetes takes it: null is the same as left out. */
export function isSet(object: unknown, path: Path): boolean {
  let value = object;
  for (const key of path) {
    if (isRecord(value)) value = Object.hasOwn(value, key) ? value[key] : undefined;
    else if (Array.isArray(value)) value = value[Number(key)] as unknown;
    else return false;
  }
  return value !== undefined && value !== null;
}
