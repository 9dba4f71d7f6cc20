import type { Json } from '../apiValidation/json.js';
import type { Generated, TemplateKind } from './generated.js';
import { podParts } from './pod.js';
import { distinct, type Tape } from './tape.js';
import { VOLUME_NAMES } from './volumes.js';

export function podManifest(t: Tape): Json {
  const { metadata, spec } = podParts(t, { claims: [], restartPolicies: ['Always', 'OnFailure', 'Never'] });
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'pod', ...metadata }, spec };
}

export function template(t: Tape, kind: TemplateKind): Generated {
  const claims = kind === 'StatefulSet' ? distinct(t, [...VOLUME_NAMES, 'www'], 1 + t.upTo(2)) : [];
  const jobLike = kind === 'Job' || kind === 'CronJob';
  const { metadata, spec } = podParts(t, {
    claims,
    restartPolicies: jobLike ? ['OnFailure', 'Never'] : ['Always'],
  });
  const podTemplate = {
    metadata: { ...metadata, labels: { ...(metadata.labels as Json | null), app: 'demo' } },
    spec,
  };
  const meta = { name: 'demo', namespace: 'team-a' };
  const selector = { matchLabels: { app: 'demo' } };
  const apps = { apiVersion: 'apps/v1', kind, metadata: meta };
  const object = ((): Json => {
    switch (kind) {
      case 'Deployment':
      case 'DaemonSet':
      case 'ReplicaSet':
        return { ...apps, spec: { selector, template: podTemplate } };
      case 'StatefulSet':
        return {
          ...apps,
          spec: {
            serviceName: 'demo',
            selector,
            template: podTemplate,
            volumeClaimTemplates: claims.map((name) => ({
              metadata: { name },
              spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
            })),
          },
        };
      case 'ReplicationController':
        return {
          apiVersion: 'v1',
          kind,
          metadata: meta,
          spec: { selector: { app: 'demo' }, template: podTemplate },
        };
      case 'Job':
        return { apiVersion: 'batch/v1', kind, metadata: meta, spec: { template: podTemplate } };
      case 'CronJob':
        return {
          apiVersion: 'batch/v1',
          kind,
          metadata: meta,
          spec: { schedule: '*/5 * * * *', jobTemplate: { spec: { template: podTemplate } } },
        };
      case 'PodTemplate':
        return { apiVersion: 'v1', kind, metadata: meta, template: podTemplate };
    }
  })();
  return { kind, source: 'template', object };
}
