/**
 * The ways in which a pod can be created in the benchmark, each in a namespace of its own that only it is bound to: with
 * nothing, with an in-tree MutatingAdmissionPolicy of two kinds, with the least webhook there can be (alone, and with the
 * warnings and audit annotations of kube-harden in its answer, which cost the API server something too), and with
 * kube-harden.
 */
import type { Operation } from 'fast-json-patch';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decide } from '../../../src/admission/decide.js';
import { encodeReview } from '../../../src/admission/review.js';
import { BUILTIN_POLICIES } from '../../../src/policy/builtin.generated.js';
import { StandalonePlans } from '../../../src/policy/standalonePlans.js';
import { CertificateAuthority, validFor } from '../../../src/server/certificateAuthority.js';
import { ControlPlane } from '../../e2e/controlPlane/controlPlane.js';
import type { Json } from '../../e2e/controlPlane/apiClient.js';
import { OwnedProcess } from '../../e2e/support/ownedProcess.js';
import { eventually } from '../../e2e/support/wait.js';
import { barePod } from '../../support/controllerPod.js';
import { podReview } from '../review.js';
import { applyConfigurationMutations, jsonPatchMutations, type Mutation } from './celPolicy.js';

export const VARIANTS = [
  'nothing',
  'in-tree',
  'in-tree, patch',
  'floor',
  'floor, told',
  'kube-harden',
] as const;
export type Variant = (typeof VARIANTS)[number];

/** Names the namespace that a policy or webhook other than ours is bound to. */
const LABEL = 'bench';
const ADMISSION = '/apis/admissionregistration.k8s.io/v1';

/**
 * `ReplicaSet`: as its controller makes them, the API server gives each its name. `named`: by people or a StatefulSet,
 * each another object to kube-harden, which remembers what it has decided for a template.
 */
export const PODS = ['ReplicaSet', 'named'] as const;
export type Pods = (typeof PODS)[number];

/** A pod of two containers of a realistic size as it is sent to the API server, about 5 KB; a named one lacks its name. */
export function podToCreate(kind: Pods): Json {
  const { request } = JSON.parse(podReview(2));
  const { labels, annotations, generateName, ownerReferences } = request.object.metadata;
  const isToken = ({ name }: Json): boolean => String(name).startsWith('kube-api-access-');
  const spec = request.object.spec;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata:
      kind === 'ReplicaSet'
        ? { generateName, labels, annotations, ownerReferences }
        : { labels, annotations },
    spec: {
      volumes: spec.volumes.filter((volume: Json) => !isToken(volume)),
      containers: spec.containers.map((container: Json) => ({
        ...container,
        volumeMounts: container.volumeMounts.filter((mount: Json) => !isToken(mount)),
      })),
    },
  };
}

/** What kube-harden answers for that pod, as the API server sends it, but for the uid. */
export function answerForPod(): { readonly patch: readonly Operation[]; readonly response: Json } {
  const plans = new StandalonePlans({ policies: BUILTIN_POLICIES, clock: () => 0 });
  const request = {
    uid: 'bench',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    operation: 'CREATE',
    namespace: 'bench',
    object: barePod(podToCreate('ReplicaSet')),
  };
  const decision = decide(request, plans.planFor('bench'));
  if (decision.patch.length === 0) throw new Error('nothing to patch');
  const response = JSON.parse(encodeReview(request, decision)).response;
  delete response.uid;
  return { patch: decision.patch, response };
}

/** Makes namespaces, policy and webhooks; the namespace of each variant. */
export async function makeVariants(controlPlane: ControlPlane): Promise<Record<Variant, string>> {
  const namespaces = Object.fromEntries(
    VARIANTS.map((variant) => [variant, `bench-${wordOf(variant)}`]),
  ) as Record<Variant, string>;
  for (const variant of VARIANTS) {
    const labels =
      variant === 'kube-harden' ? { 'kube-harden.io/mode': 'enforce' } : { [LABEL]: wordOf(variant) };
    await make(controlPlane, '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespaces[variant], labels },
    });
    await eventually(`default service account in ${namespaces[variant]}`, async () => {
      const path = `/api/v1/namespaces/${namespaces[variant]}/serviceaccounts/default`;
      return (await controlPlane.api('GET', path)).status === 200;
    });
  }
  const { patch, response } = answerForPod();
  await makePolicy(controlPlane, 'in-tree', applyConfigurationMutations());
  await makePolicy(controlPlane, 'in-tree, patch', jsonPatchMutations(volumeNames(patch)));
  const { allowed, patchType, patch: text } = response;
  await makeFloor(controlPlane, 'floor', { allowed, patchType, patch: text });
  await makeFloor(controlPlane, 'floor, told', response);
  return namespaces;
}

/** As a name and a label's value. */
function wordOf(variant: Variant): string {
  return variant.replaceAll(', ', '-');
}

async function make(controlPlane: ControlPlane, path: string, object: Json): Promise<void> {
  const { status, body } = await controlPlane.api('POST', path, object);
  if (status !== 201) throw new Error(`${path}: ${JSON.stringify(body)}`);
}

async function makePolicy(
  controlPlane: ControlPlane,
  variant: Variant,
  mutations: readonly Mutation[],
): Promise<void> {
  const metadata = { name: wordOf(variant) };
  await make(controlPlane, `${ADMISSION}/mutatingadmissionpolicies`, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingAdmissionPolicy',
    metadata,
    spec: {
      failurePolicy: 'Fail',
      reinvocationPolicy: 'IfNeeded',
      matchConstraints: {
        namespaceSelector: { matchLabels: { [LABEL]: wordOf(variant) } },
        resourceRules: [
          { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] },
        ],
      },
      mutations,
    },
  });
  await make(controlPlane, `${ADMISSION}/mutatingadmissionpolicybindings`, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingAdmissionPolicyBinding',
    metadata,
    spec: { policyName: metadata.name },
  });
}

/** Of the emptyDirs, in the order of the containers: the results are compared to the letter. */
function volumeNames(patch: readonly Operation[]): string[] {
  return patch.flatMap((operation) =>
    operation.op === 'add' && operation.path === '/spec/volumes/-'
      ? [String((operation.value as { name: unknown }).name)]
      : [],
  );
}

async function makeFloor(controlPlane: ControlPlane, variant: Variant, answer: Json): Promise<void> {
  const word = wordOf(variant);
  const authority = await CertificateAuthority.create('bench', validFor(1));
  const leaf = await authority.issue({
    commonName: 'floor',
    hosts: ['127.0.0.1'],
    usage: 'server',
    ...validFor(1),
  });
  const file = (name: string, text: string): string => {
    const path = join(controlPlane.folder.path, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const logFile = controlPlane.folder.logFile(word);
  OwnedProcess.start({
    name: word,
    command: process.execPath,
    args: [
      join(import.meta.dirname, 'floorWebhook.js'),
      file(`${word}.crt`, leaf.cert),
      file(`${word}.key`, leaf.key),
      file(`${word}.json`, JSON.stringify(answer)),
    ],
    logFile,
  });
  const port = await eventually(
    `${variant} listening`,
    () => /^(\d+)$/m.exec(readFileSync(logFile, 'utf8'))?.[1],
  );
  await make(controlPlane, `${ADMISSION}/mutatingwebhookconfigurations`, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: word },
    webhooks: [
      {
        name: `${word}.bench.example`,
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        failurePolicy: 'Fail',
        timeoutSeconds: 5,
        // As ours: the API server compares the object before and after for it. Nobody changes it, so it is called once.
        reinvocationPolicy: 'IfNeeded',
        namespaceSelector: { matchLabels: { [LABEL]: word } },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
        clientConfig: {
          url: `https://127.0.0.1:${port}/`,
          caBundle: Buffer.from(authority.cert).toString('base64'),
        },
      },
    ],
  });
}
