import { readFileSync } from 'node:fs';
import type { ImageProfile } from '../../src/hardening/plan.js';
import { loadImageCatalogue } from '../../src/policy/load.js';
import type { ImageCatalogue } from '../../src/policy/schema.js';

export const CATALOGUE = 'src/policy/builtin/imageProfiles.yaml';

export type CatalogueEntry = ImageCatalogue['imageProfiles'][number];

/** The built-in image profiles as they are written, with where their figures come from. */
export function imageCatalogue(): ImageCatalogue {
  const text = readFileSync(new URL(`../../${CATALOGUE}`, import.meta.url), 'utf8');
  return loadImageCatalogue(text, { source: CATALOGUE });
}

/** What is said of the figures, and not of the image: nothing at run time asks for it. */
const PROVENANCE: ReadonlySet<string> = new Set(['verified', 'test', 'note', 'sources']);

export function profileOf(entry: CatalogueEntry): ImageProfile {
  const profile = Object.entries(entry).filter(([field]) => !PROVENANCE.has(field));
  return Object.fromEntries(profile) as unknown as ImageProfile;
}
