import type { Operation } from 'fast-json-patch';
import type { output } from 'zod';
import type * as schema from './resultSchema.js';

/*
 * What hardening does to one object, as `POST /preview` and `preview -o json` answer it. The fields and what they mean
 * stand in resultSchema.ts, from which OpenAPI comes too.
 */

/** Two fields are typed as those know them who make and apply them; the schema says which of that they hold. */
export type PreviewResult = Omit<output<typeof schema.previewResult>, 'patch' | 'hardened'> & {
  readonly patch: readonly Operation[];
  readonly hardened: object | null;
};
export type PreviewChange = output<typeof schema.previewChange>;
export type PreviewContainer = output<typeof schema.previewContainer>;
export type PreviewSkip = output<typeof schema.previewSkip>;
export type PreviewViolation = output<typeof schema.previewViolation>;
export type PreviewPodSecurity = output<typeof schema.previewPodSecurity>;
