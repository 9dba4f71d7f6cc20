import { parse } from 'yaml';
import { BUILTIN_POLICY_TEXTS } from '../../src/policy/builtin.generated.js';

type Rules = Readonly<Record<string, object>>;

/** The rules that a built-in policy leaves to the operator, as far as each can go beside the rest of it. */
const MORE_RULES: Readonly<Record<'default' | 'restricted', Rules>> = {
  // Two rules cannot tell what is unset, so they replace. A user namespace has none of a namespace's range of uids.
  default: {
    procMount: { action: 'Default' },
    appArmorProfile: { action: 'Default' },
    hostUsers: { action: 'Default' },
    enableServiceLinks: { action: 'Override' },
    imagePullPolicy: { action: 'Override' },
    supplementalGroupsPolicy: { action: 'Default' },
    runAsUser: { action: 'Default', strategy: 'NamespaceRange' },
  },
  restricted: {
    appArmorProfile: { action: 'Override', whenUnset: 'Set' },
    hostUsers: { action: 'Override' },
    enableServiceLinks: { action: 'Override' },
    imagePullPolicy: { action: 'Override' },
    supplementalGroupsPolicy: { action: 'Override' },
  },
};

/** The spec of a built-in policy with the rules turned on that it leaves Disabled, but for those of one cluster. */
export function specWithEveryRule(base: keyof typeof MORE_RULES): object {
  const { spec } = parse(BUILTIN_POLICY_TEXTS[base] ?? '') as { spec: { rules: Rules } };
  return { ...spec, rules: { ...spec.rules, ...MORE_RULES[base] } };
}
