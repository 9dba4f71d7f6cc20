import * as z from 'zod';
import { parseQuantity } from '../quantity.js';
import { bytes, quantity } from '../settingsFields.js';

const RESOURCES = ['cpu', 'memory', 'ephemeral-storage'] as const;

const resourceList = z.strictObject({
  cpu: quantity('CPU, in cores: 100m, 0.5, 2.').optional(),
  memory: bytes('Memory, in bytes: 128Mi, 1Gi.').optional(),
  'ephemeral-storage': bytes('Local disk for logs, emptyDirs and the writable layer, in bytes.').optional(),
});

export const settingsSchema = z
  .strictObject({
    requests: resourceList
      .default({ cpu: '100m', memory: '128Mi' })
      .describe(
        'Requests for a container that has none. Given, it replaces the whole default: what it does not name is not set, and {} sets none.',
      ),
    limits: resourceList
      .default({ cpu: '1', memory: '512Mi' })
      .describe(
        'Limits for a container that has none. Given, it replaces the whole default: what it does not name is not set, and {} sets none.',
      ),
  })
  .superRefine(({ requests, limits }, context) => {
    for (const resource of RESOURCES) {
      const request = parseQuantity(requests[resource]);
      const limit = parseQuantity(limits[resource]);
      if (request === undefined || limit === undefined || request <= limit) continue;
      context.addIssue({
        code: 'custom',
        path: ['requests', resource],
        message: `${String(requests[resource])} is above limits.${resource}, ${String(limits[resource])}`,
      });
    }
  });

export type Settings = z.infer<typeof settingsSchema>;
