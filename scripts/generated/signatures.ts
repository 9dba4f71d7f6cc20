import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { format, resolveConfig } from 'prettier';
import * as z from 'zod';
import { RULE_IDS } from '../../src/hardening/rule.js';
import { CONDITIONS, REMEDIES } from '../../src/doctor/signature.js';
import type { GeneratedFile } from './generatedFile.js';

const SOURCE = new URL('../../src/doctor/signatures.yaml', import.meta.url);
const TARGET = 'src/doctor/signatures.generated.ts';

const ERRNOS = ['EROFS', 'EACCES', 'EPERM', 'ENOENT'] as const;

/** A part that repeats within a part that repeats takes time that grows with a power of the text's length, or worse. */
const NESTED_REPEAT = /\([^()]*[*+][^()]*\)[*+]|\([^()]*\{\d+,\d*\}[^()]*\)[*+]/;

const pattern = z.string().superRefine((text, context) => {
  try {
    new RegExp(text, 'i');
  } catch (error) {
    context.addIssue(`is no regular expression: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (/(?<!\\)\.[*+]/.test(text)) context.addIssue('has an unbounded .* or .+: give it a bound');
  if (NESTED_REPEAT.test(text)) context.addIssue('repeats what repeats');
});

const condition = z.union([
  z.enum(CONDITIONS),
  z.templateLiteral(['lacks:', z.string().regex(/^[A-Z_]+(?:\|[A-Z_]+)*$/)]),
]);

const blame = z.strictObject({
  rule: z.enum(RULE_IDS),
  field: z.string().optional(),
  when: z.array(condition).optional(),
  certainty: z.enum(['certain', 'likely', 'possible']),
  remedy: z.enum(REMEDIES),
});

const signature = z
  .strictObject({
    id: z.string().regex(/^[a-z]+(?:-[a-z]+)*$/),
    reasons: z.array(z.string().min(1)).min(1).optional(),
    errnos: z.array(z.enum(ERRNOS)).min(1).optional(),
    pattern: pattern.optional(),
    unless: pattern.optional(),
    when: z.array(condition).optional(),
    isSurvivable: z.literal(true).optional(),
    means: z.string().min(1),
    blames: z.array(blame),
    /** Where the wording, or the error, is from: for who changes this. */
    grounding: z.string().min(1),
  })
  .refine(
    ({ reasons, errnos, pattern: text }) =>
      reasons !== undefined || errnos !== undefined || text !== undefined,
    'says nothing of what it looks for',
  );

const signaturesSchema = z
  .strictObject({
    errnos: z.record(
      z.enum(ERRNOS),
      z.strictObject({ number: z.int(), patterns: z.array(pattern), texts: z.array(z.string()) }),
    ),
    signatures: z.array(signature),
  })
  .superRefine(({ signatures }, context) => {
    const ids = signatures.map(({ id }) => id);
    const twice = ids.find((id, index) => ids.indexOf(id) !== index);
    if (twice !== undefined) context.addIssue(`${twice} is there twice`);
  });

/** The file of signatures, checked. @throws ZodError, YAMLException */
export function readSignatures(): z.output<typeof signaturesSchema> {
  return signaturesSchema.parse(load(readFileSync(SOURCE, 'utf8')));
}

const HEAD = `import type { Errno, ErrnoWords, Signature } from './signature.js';

// Made from src/doctor/signatures.yaml by scripts/generate.ts; do not edit.
`;

async function compiled(): Promise<string> {
  const { errnos, signatures } = readSignatures();
  const words = Object.entries(errnos).map(([name, { number, patterns, texts }]) => [
    name,
    { number, patterns, texts: [...new Set(texts.map((text) => text.toLowerCase()))] },
  ]);
  const bare = signatures.map(({ grounding: _grounding, ...rest }) => rest);
  const text = `${HEAD}
export const ERRNO_WORDS: Readonly<Record<Errno, ErrnoWords>> = ${JSON.stringify(Object.fromEntries(words))};

export const SIGNATURES: readonly Signature[] = ${JSON.stringify(bare)};
`;
  return format(text, { ...(await resolveConfig(TARGET)), parser: 'typescript' });
}

export const signatureFiles: readonly GeneratedFile[] = [{ path: TARGET, content: compiled }];
