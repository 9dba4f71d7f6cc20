import * as z from 'zod';
import { shown } from '../shown.js';

const REFUSED: Readonly<Record<string, string>> = {
  Localhost:
    'Localhost is never written: the profile may not be on the node, and then the container does not start',
  Unconfined:
    'Unconfined is no hardening: it is what the rule reports; to leave AppArmor alone, disable the rule',
};

export const settingsSchema = z.strictObject({
  type: z
    .enum(['RuntimeDefault'], {
      error: ({ input }) =>
        (typeof input === 'string' ? REFUSED[input] : undefined) ??
        `must be RuntimeDefault, not ${shown(input)}`,
    })
    .default('RuntimeDefault')
    .describe("The profile that is set: the container runtime's own."),
  whenUnset: z
    .enum(['Set', 'Keep'])
    .default('Set')
    .describe(
      "Where no profile is named, a node with AppArmor confines the container by the runtime's own, and another node runs it without. Set: name it, so that a node without AppArmor refuses the pod. Keep: leave it unset, and replace Unconfined by unset too.",
    ),
});

export type Settings = z.infer<typeof settingsSchema>;
