import * as z from 'zod';
import { atMost, hostPathName } from '../settingsFields.js';

export const settingsSchema = z.strictObject({
  paths: z
    .array(hostPathName('An absolute path on the node.'))
    .max(...atMost(256, 'items'))
    .default(['/', '/boot', '/dev', '/etc', '/lib', '/proc', '/sys', '/usr'])
    .describe('Sensitive directories of the node, with all that is below them; / means exactly /.'),
  allowed: z
    .array(
      z.strictObject({
        path: hostPathName('Exactly this path on the node.'),
        readOnly: z
          .boolean()
          .default(true)
          .describe('true: only mounts that are readOnly are allowed. false: writable ones too.'),
      }),
    )
    .max(...atMost(256, 'items'))
    .default([{ path: '/etc/localtime', readOnly: true }])
    .describe('Paths that are no violation although they are in paths.'),
});

export type Settings = z.infer<typeof settingsSchema>;
