import { readFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { loadPolicies } from '../../src/policy/load.js';
import { toJsonSchema } from '../../src/policy/schema.js';
import type { GeneratedFile } from './generatedFile.js';
import { imageCatalogue, profileOf } from './imageCatalogue.js';

const NAMES = ['baseline', 'default', 'restricted'] as const;

const source = (file: string): string =>
  readFileSync(new URL(`../../src/policy/builtin/${file}`, import.meta.url), 'utf8');

const HEAD = `import type { ImageProfile } from '../hardening/plan.js';
import type { Policy } from './policy.js';

/*
 * Made from src/policy/builtin/*.yaml by scripts/generate.ts; do not edit. The webhook starts without parsing or
 * validating anything: that would load yaml and zod, a quarter of the time that a start may take.
 */
`;

async function builtin(): Promise<string> {
  const texts = NAMES.map((name) => [name, source(`${name}.yaml`)] as const);
  const policies = texts.flatMap(([name, text]) =>
    loadPolicies(text, { source: `src/policy/builtin/${name}.yaml` }),
  );
  const profiles = imageCatalogue().imageProfiles.map(profileOf);
  return typescript(`${HEAD}
/** The built-in policies with all defaults filled in, by name. */
export const BUILTIN_POLICIES: readonly Policy[] = ${JSON.stringify(policies)};

/** The built-in policies as they are written, with their comments. */
export const BUILTIN_POLICY_TEXTS: Readonly<Record<string, string>> = {
${texts.map(([name, text]) => `${name}: ${template(text)},`).join('\n')}
};

/** What is known of well-known images. */
export const BUILTIN_IMAGE_PROFILES: readonly ImageProfile[] = ${JSON.stringify(profiles)};
`);
}

const template = (text: string): string => `\`${text.replaceAll(/[\\`]|\$\{/g, '\\$&')}\``;

async function typescript(text: string): Promise<string> {
  const path = new URL('../../src/policy/builtin.generated.ts', import.meta.url).pathname;
  return format(text, { ...(await resolveConfig(path)), parser: 'typescript' });
}

export const policyFiles: readonly GeneratedFile[] = [
  { path: 'src/policy/builtin.generated.ts', content: builtin },
  {
    path: 'docs/hardeningpolicy.schema.json',
    content: () => `${JSON.stringify(toJsonSchema(), null, 2)}\n`,
  },
];
