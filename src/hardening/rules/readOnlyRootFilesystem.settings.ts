import * as z from 'zod';
import { bytes, writablePaths } from '../settingsFields.js';

export const settingsSchema = z.strictObject({
  writablePaths: writablePaths(
    'Directories that stay writable in every container: each gets an emptyDir of its own, unless something is mounted there or above. Absolute, without a trailing /.',
  ).default(['/tmp']),
  sizeLimit: bytes(
    "Each emptyDir's sizeLimit. A pod that writes more is evicted whole, so the default is generous.",
  ).default('1Gi'),
});

export type Settings = z.infer<typeof settingsSchema>;
