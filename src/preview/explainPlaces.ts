import type { KubernetesObject } from '../admission/types.js';
import type { Path } from '../hardening/rule.js';
import { isSet, type PolicyPlaces } from './policyPlaces.js';

/** Where policies say what they say: in files, else in a cluster. */
export class ClusterPolicyPlaces {
  readonly #objects: ReadonlyMap<string, KubernetesObject>;

  /**
   * @param objects the HardeningPolicies of the cluster, as it has them
   * @param files those that are over them, by name
   */
  constructor(
    objects: readonly KubernetesObject[],
    readonly files: Pick<PolicyPlaces, 'of'>,
  ) {
    this.#objects = new Map(objects.map((object) => [object.metadata?.name ?? '', object]));
  }

  /**
   * @param path from the policy: `['spec', 'rules', 'runAsUser', 'action']`
   * @returns `policies.yaml:12`, `HardeningPolicy default (cluster)`; undefined where the policy is built in, or leaves
   *   the field out
   */
  of(policy: string, path: Path): string | undefined {
    if (this.files.of(policy, ['metadata', 'name']) !== undefined) return this.files.of(policy, path);
    const object = this.#objects.get(policy);
    return object && isSet(object, path) ? `HardeningPolicy ${policy} (cluster)` : undefined;
  }
}
