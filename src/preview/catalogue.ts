import type { output } from 'zod';
import { RULES } from '../hardening/rules/index.js';
import type { catalogueEntry } from './catalogueSchema.js';

/** One rule as `/api/rules` and `kube-harden rules` list it; catalogueSchema.ts describes the fields. */
export type CatalogueEntry = output<typeof catalogueEntry>;

/** Every rule in catalogue order, from the rules' own metadata. */
export const CATALOGUE: readonly CatalogueEntry[] = RULES.map(
  ({ id, title, reason, risk, control, os, actions, refused, sets, fields }) => ({
    id,
    title,
    reason,
    risk,
    control: control ?? null,
    os,
    actions,
    refused: refused ?? {},
    sets,
    fields,
  }),
);
