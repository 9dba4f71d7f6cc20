import { expect } from 'chai';
import type { Json } from './controlPlane/apiClient.js';
import {
  changedRules,
  podOf,
  putPolicy,
  sendPod,
  type Container,
  type PodReply,
} from './support/podRequests.js';
import { eventually } from './support/wait.js';
import { makeNamespace, world } from './support/world.js';

const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const IMAGE = 'registry.example/shop/web:1';

const CONTAINERS = {
  initContainers: [
    { name: 'init', image: IMAGE },
    { name: 'sidecar', image: IMAGE, restartPolicy: 'Always' },
  ],
  containers: [
    { name: 'main', image: IMAGE },
    { name: 'other', image: IMAGE, volumeMounts: [{ name: 'data', mountPath: '/data' }] },
  ],
  volumes: [{ name: 'data', emptyDir: {} }],
};

/** A projected token of the author's own: as the API server would inject it, but for its name. */
const OWN_TOKEN = {
  ...CONTAINERS,
  volumes: [
    ...CONTAINERS.volumes,
    {
      name: 'own-token',
      projected: { sources: [{ serviceAccountToken: { path: 'token', audience: 'vault' } }] },
    },
  ],
};

function tokensOf({ spec }: PodReply): { volumes: string[]; mounts: string[] } {
  const all: readonly Container[] = [...(spec.initContainers ?? []), ...spec.containers];
  return {
    volumes: (spec.volumes ?? []).flatMap(({ name }) => (name.startsWith('kube-api-access-') ? [name] : [])),
    mounts: all.flatMap(({ name, volumeMounts = [] }) =>
      volumeMounts.some(({ mountPath }) => mountPath === TOKEN_PATH) ? [name] : [],
    ),
  };
}

const NO_TOKENS = { volumes: [], mounts: [] };

describe('the token volume that the API server injects', () => {
  before(async () => {
    for (const action of ['Default', 'Override', 'Warn'])
      await putPolicy(`e2e-token-${action.toLowerCase()}`, {
        rules: { automountServiceAccountToken: { action } },
      });
  });

  const enforcedBy = (policy: string): Promise<string> =>
    makeNamespace({ 'kube-harden.io/mode': 'enforce', 'kube-harden.io/policy': policy });

  for (const { what, policy, spec, goes } of [
    { what: 'under the policy default', policy: 'default', spec: {}, goes: false },
    { what: 'under Warn', policy: 'e2e-token-warn', spec: {}, goes: false },
    { what: 'under Default', policy: 'e2e-token-default', spec: {}, goes: true },
    {
      what: 'under Default, where the author says true',
      policy: 'e2e-token-default',
      spec: { automountServiceAccountToken: true },
      goes: false,
    },
    { what: 'under Override', policy: 'e2e-token-override', spec: {}, goes: true },
    {
      what: 'under Override, where the author says true',
      policy: 'e2e-token-override',
      spec: { automountServiceAccountToken: true },
      goes: true,
    },
    { what: 'beside one of the author', policy: 'e2e-token-default', spec: OWN_TOKEN, goes: true },
  ] as const) {
    it(`${goes ? 'goes with its mounts' : 'stays'} ${what}`, async () => {
      const namespace = await enforcedBy(policy);
      const manifest = podOf('web', { ...CONTAINERS, ...spec } as Record<string, Json>);
      const { status, body } = await sendPod(namespace, manifest, { dryRun: false });
      expect(status, JSON.stringify(body)).to.equal(201);
      const tokens = tokensOf(body);
      if (goes) {
        expect(tokens).to.deep.equal(NO_TOKENS);
        expect(body.spec.automountServiceAccountToken).to.equal(false);
        expect(changedRules(body)).to.include('automountServiceAccountToken');
      } else {
        expect(tokens.volumes).to.have.length(1);
        expect(tokens.mounts).to.deep.equal(['init', 'sidecar', 'main', 'other']);
      }
      const kept = (body.spec.volumes ?? []).map(({ name }) => name);
      expect(kept).to.include.members(manifest.spec['volumes'].map(({ name }: { name: string }) => name));
      const other = body.spec.containers.find(({ name }) => name === 'other');
      expect(other?.volumeMounts).to.deep.include({ name: 'data', mountPath: '/data' });
    });
  }

  for (const templates of ['Warn', 'Mutate']) {
    it(`goes from the pods of a Deployment, templates: ${templates}`, async () => {
      const policy = `e2e-token-${templates.toLowerCase()}-templates`;
      await putPolicy(policy, { templates, rules: { automountServiceAccountToken: { action: 'Default' } } });
      const namespace = await enforcedBy(policy);
      const template = { metadata: { labels: { app: 'web' } }, spec: CONTAINERS };
      const made = await world().controlPlane.api(
        'POST',
        `/apis/apps/v1/namespaces/${namespace}/deployments`,
        {
          metadata: { name: 'web' },
          spec: { replicas: 2, selector: { matchLabels: { app: 'web' } }, template },
        },
      );
      expect(made.status).to.equal(201);
      const pods = await eventually('two pods', async () => {
        const { body } = await world().controlPlane.api<{ items: PodReply[] }>(
          'GET',
          `/api/v1/namespaces/${namespace}/pods`,
        );
        return body.items.length === 2 && body.items;
      });
      expect(pods.map(tokensOf)).to.deep.equal([NO_TOKENS, NO_TOKENS]);
    });
  }
});
