import { expect } from 'chai';
import fastJsonPatch from 'fast-json-patch';
import type { KubernetesObject } from '../../../src/admission/types.js';
import type { KubeHarden } from '../../e2e/support/kubeHarden.js';
import { requestOf, responseOf, reviewOf } from '../../admission/support/reviews.js';
import { post, type Reply } from '../support/clients.js';
import { print, runFolder, serve } from './support/serveProcess.js';

/** What every object in JavaScript has, or seems to have. */
const KEYS = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'valueOf',
  '__defineGetter__',
];
/** Stands for the key while an object literal is written; `__proto__` in one would be no key. */
const KEY = '@key@';
const HARMLESS = 'harmless';

const SPEC = { containers: [{ name: 'web', image: 'web:1' }] };
const WEB = SPEC.containers[0];

/** Where a name can stand that its author chooses. */
const PLACES: Record<string, { metadata?: object; spec?: object }> = {
  'a label': { metadata: { labels: { [KEY]: 'x' } } },
  'an annotation': { metadata: { annotations: { [KEY]: 'x' } } },
  'labels and annotations of objects': { metadata: { labels: { [KEY]: 'x', polluted: 'yes' } } },
  "a container's name": { spec: { containers: [{ name: KEY, image: 'web:1' }] } },
  "an init container's name": { spec: { ...SPEC, initContainers: [{ name: KEY, image: 'web:1' }] } },
  'an image': { spec: { containers: [{ name: 'web', image: KEY }] } },
  'a resource': {
    spec: { containers: [{ ...WEB, resources: { limits: { [KEY]: '1' }, requests: { [KEY]: '1' } } }] },
  },
  'a volume': {
    spec: {
      containers: [{ ...WEB, volumeMounts: [{ name: KEY, mountPath: '/x' }] }],
      volumes: [{ name: KEY, emptyDir: {} }],
    },
  },
  'a nodeSelector': { spec: { ...SPEC, nodeSelector: { [KEY]: 'x' } } },
  'a field nobody knows': { spec: { ...SPEC, [KEY]: { runAsNonRoot: true, privileged: true } } },
  'a field of a securityContext': {
    spec: { ...SPEC, securityContext: { [KEY]: { runAsNonRoot: false, runAsUser: 0 } } },
  },
};

describe('8. names that JavaScript knows', () => {
  let server: KubeHarden;
  before(async () => (server = await serve()));
  after(() => server.stop());

  it('are data wherever they stand: the answer is the one that a harmless name gets', async () => {
    const before = await hardened(server);
    let answers = 0;
    for (const [place, { metadata = {}, spec = SPEC }] of Object.entries(PLACES)) {
      const text = reviewOf(
        requestOf({
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: 'web', namespace: 'shop', ...metadata },
          spec,
        }),
      );
      const harmless = named(await post(server.admissionPort, text.replaceAll(KEY, HARMLESS)), HARMLESS);
      expect(harmless.status, place).to.equal(200);
      for (const key of KEYS) {
        const review = text.replaceAll(KEY, key);
        const reply = await post(server.admissionPort, review);
        expect(named(reply, key), `${key} as ${place}`).to.deep.equal(harmless);
        keepsData(review, reply, key);
        answers += 1;
      }
    }
    expect(await hardened(server), 'a plain pod afterwards').to.equal(before);
    print(
      `${KEYS.length} names in ${Object.keys(PLACES).length} places: ${answers} answers, all as with "${HARMLESS}"`,
    );
  });

  it('name no namespace, policy, rule or opt-out', async () => {
    const items = KEYS.flatMap((key) => [
      namespace(`policy-${KEYS.indexOf(key)}`, { mode: 'enforce', policy: key }),
      namespace(`mode-${KEYS.indexOf(key)}`, { mode: key }),
      namespace(
        `rule-${KEYS.indexOf(key)}`,
        `{"kube-harden.io/mode":"enforce","kube-harden.io/${key}":"disabled"}`,
      ),
      namespace(key, { mode: 'enforce' }),
    ]);
    const list = `{"apiVersion":"v1","kind":"List","items":[${items.join()}]}`;
    const strict = await serve({ args: ['--namespaces-file', runFolder.write('hostile.json', list)] });
    let answers = 0;
    const warningsIn = async (name: string): Promise<string> => {
      const reply = await post(strict.admissionPort, podIn(name));
      expect(reply.status, reply.text).to.equal(200);
      answers += 1;
      return (responseOf({ body: reply.text }).warnings ?? []).join('\n');
    };
    for (const [index, key] of KEYS.entries()) {
      expect(await warningsIn(`policy-${index}`)).to.contain(`${key} names no policy: default applies`);
      expect(await warningsIn(`mode-${index}`)).to.contain(`mode=${key} is not enforce, audit or disabled`);
      expect(await warningsIn(`rule-${index}`)).to.contain('is ignored: there is no such rule');
      expect(await warningsIn(key)).to.contain('kube-harden set');
      const unknown = await post(strict.admissionPort, podIn(`${key}-unknown`));
      expect(unknown.status).to.equal(500);
    }
    // Nor is one known that no Namespace has.
    for (const key of ['isPrototypeOf', 'propertyIsEnumerable'])
      expect((await post(strict.admissionPort, podIn(key))).status).to.equal(500);
    print(`${answers} answers in namespaces, policies, modes and opt-outs of these names`);
    await strict.stop();
  });

  it('are refused as rules of a policy, each named', async () => {
    const each = (value: string): string => KEYS.map((key) => `"${key}":${value}`).join();
    for (const [what, spec] of Object.entries({
      rules: `{"rules":{${each('{"action":"Override"}')}}}`,
      spec: `{${each('{}')}}`,
      exception: `{"exceptions":[{"name":"x","reason":"y","match":{"namespaces":["shop"]},"rules":${JSON.stringify(KEYS)}}]}`,
    })) {
      const text = `{"apiVersion":"kube-harden.io/v1alpha1","kind":"HardeningPolicy","metadata":{"name":"hostile"},"spec":${spec}}`;
      const file = runFolder.write(`hostile-${what}.json`, text);
      const message = await serve({ args: ['--policy-file', file] }).then(
        async (started) => `started: ${String((await started.stop()).code)}`,
        (error: unknown) => String(error),
      );
      expect(message, what).to.match(/error: --policy-file: .*hostile-\w+\.json:\d+/);
      for (const key of KEYS) expect(message, `${key} in ${what}`).to.contain(key);
    }
    print(
      `${KEYS.length} names as rules, fields and rules of an exception: each refused at the start, with its place`,
    );
  });
});

function namespace(name: string, labels: Record<string, string> | string): string {
  const ours =
    typeof labels === 'string'
      ? labels
      : JSON.stringify(
          Object.fromEntries(Object.entries(labels).map(([key, value]) => [`kube-harden.io/${key}`, value])),
        );
  return `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"${name}","labels":${ours}}}`;
}

function podIn(name: string): string {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: name }, spec: SPEC };
  return reviewOf(requestOf(pod, { namespace: name }));
}

async function hardened(server: KubeHarden): Promise<string> {
  return (await post(server.admissionPort, podIn('shop'))).text;
}

/** The answer's status, allowed, operations and warnings, with the key as KEY. */
function named(reply: Reply, key: string): { status: number; response: string } {
  if (reply.status !== 200) return { status: reply.status, response: reply.text };
  const { allowed, warnings, auditAnnotations, operations } = responseOf({ body: reply.text });
  const response = JSON.stringify({ allowed, warnings, auditAnnotations, operations });
  // The volume for /tmp has a hash of its container's name in its own.
  const unhashed = response.replaceAll(/kube-harden-tmp-[0-9a-f]{8}/g, 'kube-harden-tmp-#');
  return { status: reply.status, response: unhashed.replaceAll(key, KEY) };
}

/** Applied strictly, prototypes banned as paths, the patch leaves every occurrence of the key where it was. */
function keepsData(review: string, reply: Reply, key: string): void {
  const { request } = JSON.parse(review) as { request: { object: KubernetesObject } };
  const count = (object: unknown): number => JSON.stringify(object).split(JSON.stringify(key)).length - 1;
  const before = count(request.object);
  const { operations } = responseOf({ body: reply.text });
  expect(operations).to.not.be.empty;
  const after = fastJsonPatch.applyPatch(request.object, operations, true, true, true).newDocument;
  expect(count(after), key).to.equal(before);
}
