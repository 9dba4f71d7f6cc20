import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { CertificateAuthority, validFor } from '../../../src/server/certificateAuthority.js';
import type { Json } from '../controlPlane/apiClient.js';
import { world } from './world.js';

const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';

export interface InjectorOptions {
  /** Of the configuration: the API server calls them in the order of their names. */
  readonly name: string;
  readonly reinvocationPolicy: 'Never' | 'IfNeeded';
  /** Injected into every pod of a namespace with the label `e2e-inject: <name>`, once. */
  readonly sidecar: { readonly name: string } & Readonly<Record<string, Json>>;
  readonly list: 'containers' | 'initContainers';
}

/** Another party's mutating webhook, as a service mesh has one. */
export interface Injector {
  /** How often it was called. */
  readonly calls: () => number;
  readonly close: () => Promise<void>;
}

export async function startInjector(options: InjectorOptions): Promise<Injector> {
  const { name, reinvocationPolicy } = options;
  const { controlPlane } = world();
  const authority = await CertificateAuthority.create(`e2e ${name}`, validFor(1));
  const leaf = await authority.issue({
    commonName: name,
    hosts: ['127.0.0.1'],
    usage: 'server',
    ...validFor(1),
  });
  let calls = 0;
  const server = createServer(leaf, (incoming, answer) => {
    void json(incoming).then((review: Json) => {
      calls++;
      answer.setHeader('content-type', 'application/json');
      answer.end(
        JSON.stringify({ ...review, request: undefined, response: responseTo(review.request, options) }),
      );
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const made = await controlPlane.api('POST', CONFIGURATIONS, {
    metadata: { name },
    webhooks: [
      {
        name: 'sidecar.injector.example',
        clientConfig: {
          url: `https://127.0.0.1:${port}/`,
          caBundle: Buffer.from(authority.cert).toString('base64'),
        },
        namespaceSelector: { matchLabels: { 'e2e-inject': name } },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] }],
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        reinvocationPolicy,
      },
    ],
  });
  if (made.status !== 201) throw new Error(`injector not registered: ${JSON.stringify(made.body)}`);
  return {
    calls: () => calls,
    close: async () => {
      await controlPlane.api('DELETE', `${CONFIGURATIONS}/${name}`);
      server.closeAllConnections();
      server.close();
    },
  };
}

function responseTo({ uid, object }: Json, { sidecar, list }: InjectorOptions): Json {
  const there: readonly { name: string }[] = object.spec[list] ?? [];
  if (there.some(({ name }) => name === sidecar.name)) return { uid, allowed: true };
  const path = `/spec/${list}`;
  const operation =
    there.length === 0
      ? { op: 'add', path, value: [sidecar] }
      : { op: 'add', path: `${path}/-`, value: sidecar };
  const patch = Buffer.from(JSON.stringify([operation])).toString('base64');
  return { uid, allowed: true, patchType: 'JSONPatch', patch };
}
