import { BUILTIN_POLICY_TEXTS } from '../../../src/policy/builtin.generated.js';
import { parse } from 'yaml';
import { eventually } from './wait.js';
import { world } from './world.js';

const POLICIES = '/apis/kube-harden.io/v1alpha1/hardeningpolicies';

export const BUILTIN_NAMES = ['baseline', 'default', 'restricted'] as const;
export type BuiltinName = (typeof BUILTIN_NAMES)[number];

/** Creates or replaces a HardeningPolicy; in force in every replica when this resolves. */
export async function applyPolicy(name: string, spec: object): Promise<void> {
  const { controlPlane } = world();
  const { status, body } = await controlPlane.api(
    'PATCH',
    `${POLICIES}/${name}?fieldManager=e2e&force=true&fieldValidation=Strict`,
    { apiVersion: 'kube-harden.io/v1alpha1', kind: 'HardeningPolicy', metadata: { name }, spec },
    { contentType: 'application/apply-patch+yaml' },
  );
  if (status !== 200 && status !== 201) throw new Error(`policy not applied: ${JSON.stringify(body)}`);
  const generation = (body as { metadata: { generation: number } }).metadata.generation;
  await eventually(`policy ${name} in force in every replica`, () =>
    world().replicas.every((replica) =>
      replica
        .logs()
        .some(
          (line) =>
            line.message === 'policy loaded' && line['policy'] === name && line['generation'] === generation,
        ),
    ),
  );
}

/** The spec of a built-in policy as it is written, with some of it changed. */
export function builtinSpec(name: BuiltinName, changes: object = {}): object {
  const { spec } = parse(BUILTIN_POLICY_TEXTS[name] ?? '') as { spec: object };
  return { ...spec, ...changes };
}

/** The three built-in policies with `templates: Mutate`, in force under the names that this returns. */
export async function mutatingBuiltins(): Promise<Readonly<Record<BuiltinName, string>>> {
  const names = { baseline: 'baseline-mutate', default: 'default-mutate', restricted: 'restricted-mutate' };
  for (const name of BUILTIN_NAMES)
    await applyPolicy(names[name], builtinSpec(name, { templates: 'Mutate' }));
  return names;
}
