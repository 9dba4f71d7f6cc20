import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { applyPatch } from 'diff';
import { RULE_IDS } from '../../src/hardening/rule.js';
import { BUILTIN_POLICIES } from '../../src/policy/builtin.generated.js';
import { PlanUnavailableError } from '../../src/policy/planUnavailableError.js';
import { StandalonePlans } from '../../src/policy/standalonePlans.js';
import { parseKubernetesYaml } from '../../src/policy/yaml.js';
import { authorizeAll, type Authorize } from '../../src/preview/access.js';
import type { AnnotatedPreview } from '../../src/preview/annotated.js';
import { ProblemError } from '../../src/preview/problem.js';
import { PreviewWorker, type WorkerHost } from '../../src/preview/previewWorker.js';
import { previewRoutes, type PreviewDeps } from '../../src/preview/routes.js';
import { sendAnswer } from '../../src/server/answer.js';
import { expressApp } from '../../src/server/expressApp.js';

const POD =
  'apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n' +
  '  - name: web # the one\n    image: registry.example/web\n';
const PRIVILEGED = `${POD}    securityContext: {privileged: true}\n`;

describe('preview routes', () => {
  let server: Server;
  let worker: PreviewWorker;
  let base: string;
  let authorize: Authorize | undefined = authorizeAll;
  /** Told of each namespace whose plan is asked for; what it throws, the plans throw. */
  let planned: (namespace: string) => void = () => undefined;
  /** That of the cluster; undefined as where it is not known. */
  let podSecurityMinor: number | undefined;
  const failures: unknown[] = [];

  before(async () => {
    const standalone = new StandalonePlans({ policies: BUILTIN_POLICIES, clock: Date.now });
    // As in a cluster: a namespace that is not cached is a promise.
    const plans: PreviewDeps['plans'] & Pick<WorkerHost, 'inputsWith'> = {
      planFor: (namespace) => standalone.planFor(namespace),
      planWith: async (given) => {
        await Promise.resolve();
        planned(given.namespace);
        return standalone.planWith(given);
      },
      inputsWith: async (given) => {
        await Promise.resolve();
        planned(given.namespace);
        return standalone.inputsWith(given);
      },
    };
    worker = new PreviewWorker(new URL('./support/previewThread.js', import.meta.url));
    const app = expressApp({
      paths: new Map([
        ['/preview', ['POST']],
        ['/api/rules', ['GET']],
        ['/api/policies', ['GET']],
      ]),
      routes: previewRoutes({
        plans,
        policies: () => BUILTIN_POLICIES,
        podSecurityMinor: () => Promise.resolve(podSecurityMinor),
        worker: { thread: worker, inputsWith: (given) => plans.inputsWith(given) },
      }),
      send: (req, res, answer) => sendAnswer(req, res, answer, false),
      failed: (error) => failures.push(error),
    });
    server = createServer((req, res) => app(req, Object.assign(res, { locals: { authorize } })));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    authorize = authorizeAll;
    planned = () => undefined;
    podSecurityMinor = undefined;
  });
  after(() => {
    server.close();
    worker.close();
    expect(failures).to.deep.equal([]);
  });

  const post = (
    body: string | Uint8Array<ArrayBuffer>,
    path = '/preview',
    headers: Record<string, string> = {},
  ): Promise<Response> =>
    fetch(base + path, { method: 'POST', body, headers: { 'content-type': 'application/yaml', ...headers } });

  it('answers JSON unless asked for something else', async () => {
    const res = await post(POD);
    expect(res.status).to.equal(200);
    expect(res.headers.get('content-type')).to.match(/^application\/json/);
    const { results } = (await res.json()) as { results: Record<string, unknown>[] };
    expect(results).to.have.length(1);
    expect(results[0]).to.include({ source: 'document 0', kind: 'Pod', name: 'web', outcome: 'patched' });
  });

  it('answers YAML with the author’s comments', async () => {
    const res = await post(POD, '/preview', { accept: 'application/yaml' });
    expect(res.headers.get('content-type')).to.match(/^application\/yaml/);
    const text = await res.text();
    expect(text).to.include('- name: web # the one\n');
    expect(parseKubernetesYaml(text)[0]?.object).to.have.nested.property(
      'spec.securityContext.runAsNonRoot',
      true,
    );
  });

  it('answers a diff that applies, with what it cannot show in comments before it', async () => {
    const res = await post(PRIVILEGED, '/preview?mode=audit', { accept: 'text/x-diff' });
    const text = await res.text();
    expect(res.headers.get('content-type')).to.match(/^text\/x-diff/);
    expect(text).to.match(
      /^# document 0 Pod default\/web:\n# {3}audit: .*\n# {3}risk: .*\n(?:# {3}container "web": .*\n)?# {3}violation: privileged on container "web"/,
    );
    expect(text).to.include('--- a/manifest.yaml\n+++ b/manifest.yaml\n');
    const yaml = await (await post(PRIVILEGED, '/preview', { accept: 'text/yaml' })).text();
    const diff = text.slice(text.indexOf('--- a/'));
    expect(applyPatch(PRIVILEGED, diff)).to.equal(yaml.replace(/^#.*\n/gm, ''));
  });

  it('answers the text with each changed line tied to its changes', async () => {
    const accept = 'application/vnd.kube-harden.annotated+json';
    const res = await post(PRIVILEGED, '/preview?mode=audit', { accept });
    expect(res.headers.get('content-type')).to.equal(`${accept}; charset=utf-8`);
    const { text, lines, changes, results, notes } = (await res.json()) as AnnotatedPreview;
    const yaml = await (await post(PRIVILEGED, '/preview', { accept: 'application/yaml' })).text();
    expect(text).to.equal(yaml.replace(/^#.*\n/gm, ''));
    const marked = await (
      await post(`\uFEFF${PRIVILEGED}`, '/preview', { accept: 'application/yaml' })
    ).arrayBuffer();
    expect(Buffer.from(marked).toString('utf8')).to.equal(`\uFEFF${yaml}`);
    expect(lines.length).to.be.above(5);
    expect(results[0]).to.include({ kind: 'Pod', name: 'web' }).and.not.have.property('hardened');
    expect(results[0]?.changes.map((index) => changes[index]?.rule)).to.include('resources');
    expect(notes.join('\n')).to.match(/^document 0 Pod default\/web:\n {2}audit: /);
  });

  const accepted: readonly [string, string][] = [
    ['*/*', 'application/json'],
    ['text/x-diff, application/json;q=0.5', 'text/x-diff'],
    ['application/*', 'application/json'],
  ];
  for (const [accept, type] of accepted) {
    it(`Accept: ${accept} gets ${type}`, async () => {
      const res = await post(POD, '/preview', { accept });
      expect(res.headers.get('content-type')).to.include(type);
    });
  }

  it('takes what curl, browsers and scripts say of a manifest', async () => {
    for (const type of [
      'application/x-yaml',
      'text/yaml',
      'application/json',
      'text/plain; charset=utf-8',
      'application/x-www-form-urlencoded',
    ]) {
      expect((await post(POD, '/preview', { 'content-type': type })).status, type).to.equal(200);
    }
    const without = await fetch(`${base}/preview`, {
      method: 'POST',
      body: new Uint8Array(Buffer.from(POD)),
    });
    expect(without.status).to.equal(200);
  });

  it('uses namespace, policy and labels of the query', async () => {
    const query =
      'namespace=shop&policy=restricted&label=kube-harden.io/resources=disabled&label=kube-harden.io/sshd=warn';
    const { results } = (await (await post(POD, `/preview?${query}`)).json()) as {
      results: { namespace: string; policy: string; skips: { rule: string; code: string }[] }[];
    };
    expect(results[0]).to.include({ namespace: 'shop', policy: 'restricted' });
    expect(results[0]?.skips).to.deep.include.members([]);
    expect(results[0]?.skips.some(({ rule, code }) => rule === 'resources' && code === 'OptedOut')).to.equal(
      true,
    );
  });

  for (const { it: what, cluster, query = '', version } of [
    { it: "the cluster's version where the query names none", cluster: 36, version: 'v1.36' },
    { it: "the cluster's version as the latest", cluster: 36, query: 'latest', version: 'v1.36' },
    { it: "the query's version over the cluster's", cluster: 36, query: 'v1.24', version: 'v1.24' },
    { it: "a newer version than the cluster's", cluster: 36, query: 'v1.37', version: 'v1.37' },
    { it: 'the newest known where the cluster is unknown', cluster: undefined, version: 'v1.37' },
    { it: 'the newest known in a cluster that is newer', cluster: 99, version: 'v1.37' },
  ]) {
    it(`judges Pod Security by ${what}`, async () => {
      podSecurityMinor = cluster;
      const res = await post(POD, `/preview${query === '' ? '' : `?podSecurityVersion=${query}`}`);
      expect(await res.json()).to.have.nested.property('results[0].podSecurity.version', version);
    });
  }

  const problems: readonly {
    it: string;
    body?: string | Uint8Array<ArrayBuffer>;
    path?: string;
    headers?: Record<string, string>;
    status: number;
    detail: RegExp;
  }[] = [
    { it: 'an empty body', body: '', status: 400, detail: /nothing in it/ },
    { it: 'text that is no manifest', body: 'hello', status: 400, detail: /expected a Kubernetes object/ },
    { it: 'bad YAML', body: 'a: [1\n', status: 400, detail: /./ },
    { it: 'bytes that are not UTF-8', body: new Uint8Array([0x61, 0xff]), status: 400, detail: /UTF-8/ },
    {
      it: 'another content type',
      headers: { 'content-type': 'multipart/form-data' },
      status: 415,
      detail: /send application\/yaml/,
    },
    {
      it: 'another charset',
      headers: { 'content-type': 'text/plain; charset=latin1' },
      status: 415,
      detail: /UTF-8/,
    },
    { it: 'a compressed body', headers: { 'content-encoding': 'gzip' }, status: 415, detail: /encoding/ },
    {
      it: 'a body that is too large',
      body: new Uint8Array(20 * 1024 * 1024 + 1),
      status: 413,
      detail: /20971520 bytes/,
    },
    {
      it: 'an answer that it cannot give',
      headers: { accept: 'image/png' },
      status: 406,
      detail: /text\/x-diff/,
    },
    { it: 'an unknown parameter', path: '?namspace=a', status: 400, detail: /did you mean "namespace"\?/ },
    {
      it: 'an unknown policy',
      path: '?policy=restricte',
      status: 400,
      detail: /policy: "restricte".*did you mean "restricted"\?/,
    },
    { it: 'an unknown mode', path: '?mode=audits', status: 400, detail: /did you mean "audit"\?/ },
    { it: 'a bad namespace', path: '?namespace=A_b', status: 400, detail: /not a namespace's name/ },
    {
      it: 'a bad namespace of an object',
      body: POD.replace('name: web', 'name: web, namespace: ../secrets'),
      status: 400,
      detail: /metadata.namespace: "..\/secrets" is not a namespace's name/,
    },
    {
      it: 'a List whose items are no list',
      body: 'apiVersion: v1\nkind: List\nitems: {kind: Pod}\n',
      status: 400,
      detail: /items: expected a list, found an object/,
    },
    {
      it: 'an unknown label',
      path: '?label=kube-harden.io/priviledged=disabled',
      status: 400,
      detail: /did you mean "kube-harden.io\/privileged"\?/,
    },
    {
      it: 'a label without its prefix',
      path: '?label=sshd=warn',
      status: 400,
      detail: /did you mean "kube-harden.io\/sshd"\?/,
    },
    {
      it: 'a label with another value',
      path: '?label=kube-harden.io/sshd=off',
      status: 400,
      detail: /"off" is not one of disabled, warn/,
    },
    {
      it: 'a Pod Security version without its v',
      path: '?podSecurityVersion=1.36',
      status: 400,
      detail: /^podSecurityVersion: "1.36" is neither "latest" nor a version .*; did you mean "v1.36"\?$/,
    },
    {
      it: 'a Pod Security version that is none',
      path: '?podSecurityVersion=newest',
      status: 400,
      detail: /^podSecurityVersion: "newest" is neither "latest" nor a version such as "v1.36"$/,
    },
    {
      it: 'a parameter given twice',
      path: '?mode=audit&mode=enforce',
      status: 400,
      detail: /more than once/,
    },
  ];
  for (const { it: what, body = POD, path = '', headers = {}, status, detail } of problems) {
    it(`answers ${what} with a problem, and serves the next request`, async () => {
      const res = await post(body, `/preview${path}`, headers);
      expect(res.status).to.equal(status);
      expect(res.headers.get('content-type')).to.include('application/problem+json');
      const problem = (await res.json()) as { status: number; detail: string };
      expect(problem.status).to.equal(status);
      expect(problem.detail).to.match(detail);
      expect((await post(POD)).status).to.equal(200);
    });
  }

  it('names document, line, column and field of everything that is wrong', async () => {
    const res = await post(`${POD}    resources: {limits: {memory: 12Q}}\n  hostIPC: 3\n---\nkind: Pod\n`);
    expect(res.status).to.equal(400);
    const problem = (await res.json()) as { detail: string; errors: Record<string, unknown>[] };
    expect(problem.detail).to.include('resources.limits.memory: "12Q" is not a quantity');
    expect(problem.errors).to.have.length(3);
    expect(problem.errors[0]).to.deep.include({
      document: 0,
      line: 8,
      column: 26,
      field: 'spec.containers[0].resources.limits.memory',
    });
  });

  const inNamespace = (...names: string[]): string =>
    names.map((name) => POD.replace('name: web', `name: web, namespace: ${name}`)).join('---\n');
  const review = (namespace: string, own: string, old: string): string =>
    JSON.stringify({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: {
        uid: 'u',
        kind: { group: '', version: 'v1', kind: 'Pod' },
        operation: 'UPDATE',
        namespace,
        object: { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: own }, spec: { containers: [] } },
        oldObject: { metadata: { namespace: old }, spec: { containers: [] } },
      },
    });
  const fifty = Array.from({ length: 50 }, (_, index) => `team-${index}`);
  const authorized: readonly { it: string; body: string; query?: string; asked: readonly string[] }[] = [
    { it: 'one that nobody names', body: POD, asked: ['default'] },
    { it: 'that of the query', body: POD, query: '?namespace=shop', asked: ['shop'] },
    {
      it: 'each that an object names, once',
      body: `${inNamespace('shop', 'till', 'shop')}---\n${POD}`,
      query: '?namespace=own',
      asked: ['shop', 'till', 'own'],
    },
    {
      it: 'those of a List',
      body: '{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "shop"}}]}',
      asked: ['shop'],
    },
    {
      it: 'those of a review, of its object and of the old one',
      body: review('shop', 'till', 'old'),
      query: '?namespace=own',
      asked: ['shop', 'till', 'old'],
    },
    { it: 'fifty one by one', body: inNamespace(...fifty), asked: fifty },
    { it: 'more than fifty as all at once', body: inNamespace(...fifty, 'more'), asked: [''] },
  ];
  for (const { it: what, body, query = '', asked } of authorized) {
    it(`asks for the right before any plan, for ${what}`, async () => {
      const seen: string[] = [];
      const plansAsked: string[] = [];
      authorize = (namespace) => {
        seen.push(namespace);
        return Promise.resolve();
      };
      planned = (namespace) => {
        expect(seen).to.deep.equal(asked);
        plansAsked.push(namespace);
      };
      expect((await post(body, `/preview${query}`)).status).to.equal(200);
      expect(seen).to.deep.equal(asked);
      expect(plansAsked).to.not.be.empty;

      authorize = (namespace) =>
        namespace === asked.at(-1)
          ? Promise.reject(new ProblemError(403, `not in "${namespace}"`))
          : Promise.resolve();
      planned = () => expect.fail('a plan was made');
      const refused = await post(body, `/preview${query}`);
      expect(refused.status).to.equal(403);
      expect(((await refused.json()) as { detail: string }).detail).to.equal(`not in "${asked.at(-1)}"`);
    });
  }

  it('answers nothing where the listener has left no word of the caller', async () => {
    authorize = undefined;
    expect((await post(POD)).status).to.equal(500);
    expect(failures.splice(0)).to.have.length(1);
  });

  const missing = (namespace: string): void => {
    if (namespace !== 'shop')
      throw new PlanUnavailableError(`namespace "${namespace}" does not exist`, { notFound: true });
  };
  const unavailable: readonly {
    it: string;
    body: string;
    planned: (namespace: string) => void;
    status: number;
    retryAfter: string | null;
    errors: readonly object[] | undefined;
    lookUps: number;
  }[] = [
    {
      it: 'namespaces that do not exist, each looked up once',
      body: inNamespace('shop', 'till', 'till', 'gone'),
      planned: missing,
      status: 404,
      retryAfter: null,
      errors: [
        { document: 1, field: 'metadata.namespace', message: 'namespace "till" does not exist' },
        { document: 2, field: 'metadata.namespace', message: 'namespace "till" does not exist' },
        { document: 3, field: 'metadata.namespace', message: 'namespace "gone" does not exist' },
      ],
      lookUps: 3,
    },
    {
      it: 'a namespace that does not exist beside a manifest that is wrong',
      body: `${inNamespace('till')}---\nkind: Pod\n`,
      planned: missing,
      status: 400,
      retryAfter: null,
      errors: [
        { document: 0, field: 'metadata.namespace', message: 'namespace "till" does not exist' },
        { document: 1, field: 'apiVersion', message: 'is required' },
      ],
      lookUps: 1,
    },
    {
      it: 'a namespace that cannot be looked up now',
      body: inNamespace('shop', 'till'),
      planned: (namespace) => {
        throw new PlanUnavailableError(`namespace "${namespace}" could not be looked up: no answer`);
      },
      status: 503,
      retryAfter: '5',
      errors: undefined,
      lookUps: 1,
    },
  ];
  for (const { it: what, body, planned: plan, status, retryAfter, errors, lookUps } of unavailable) {
    it(`answers ${what} with ${status}`, async () => {
      let asked = 0;
      planned = (namespace) => {
        asked += 1;
        plan(namespace);
      };
      const res = await post(body);
      expect(res.status).to.equal(status);
      expect(res.headers.get('retry-after')).to.equal(retryAfter);
      const problem = (await res.json()) as { detail: string; errors?: Record<string, unknown>[] };
      expect(problem.detail).to.include('namespace "');
      expect(
        problem.errors?.map(({ document, field, message }) => ({ document, field, message })),
      ).to.deep.equal(errors);
      expect(asked).to.equal(lookUps);
    });
  }

  it('lists the rules and the policies', async () => {
    const { rules } = (await (await fetch(`${base}/api/rules`)).json()) as {
      rules: { id: string; title: string }[];
    };
    expect(rules.map(({ id }) => id)).to.deep.equal([...RULE_IDS]);
    for (const { id, title } of rules) expect(title, id).to.match(/^[A-Z]/);
    const { policies } = (await (await fetch(`${base}/api/policies`)).json()) as {
      policies: { name: string }[];
    };
    expect(policies.map(({ name }) => name)).to.have.members(['baseline', 'default', 'restricted']);
  });

  it('answers a path that is not there with 404', async () => {
    const res = await fetch(`${base}/previews`);
    expect(res.status).to.equal(404);
    expect(res.headers.get('content-type')).to.include('application/problem+json');
  });
});
