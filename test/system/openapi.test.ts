import { expect } from 'chai';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { spawn, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ClusterPreviewAccess } from '../../src/cluster/previewAccess.js';
import { BUILTIN_POLICIES } from '../../src/policy/builtin.generated.js';
import { PlanUnavailableError } from '../../src/policy/planUnavailableError.js';
import { StandalonePlans } from '../../src/policy/standalonePlans.js';
import { previewRoutes } from '../../src/preview/routes.js';
import { ApiServer } from '../cluster/support/apiServer.js';
import { corpusWorkloads } from '../support/corpus.js';
import { servingFiles, temporaryFolder } from './support/certificates.js';
import { call, type Call, type Reply } from './support/clients.js';
import { closeServers, RecordingLogger, startServers } from './support/testServers.js';

/*
 * What GET /openapi.json says, held against what the preview answers: each answer of this file has a status, a media
 * type, headers and a body that the document describes, and no field that it does not.
 */

interface MediaType {
  readonly schema: object;
}
interface ResponseObject {
  readonly headers?: Readonly<Record<string, { readonly required?: boolean }>>;
  readonly content: Readonly<Record<string, MediaType>>;
}
interface Operation {
  readonly parameters?: readonly { readonly name: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, MediaType>> };
  readonly responses: Readonly<Record<string, ResponseObject | { readonly $ref: string }>>;
}
interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly responses: Readonly<Record<string, ResponseObject>> };
}

/** Every object has the fields that are described and no other. Clients are not told so, since later versions add some. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== 'object' || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, closed(inner)]));
  const isObjectSchema = 'properties' in value && !('additionalProperties' in value);
  return isObjectSchema ? { ...copy, additionalProperties: false } : copy;
}

/** The document, and what it has been held against. */
class Description {
  readonly seen = new Set<string>();
  private readonly ajv = new Ajv2020({ strict: false, allErrors: true });
  private readonly validators = new Map<object, ValidateFunction>();

  constructor(readonly document: OpenApi) {
    this.ajv.addSchema(closed(document) as object, 'openapi');
  }

  get preview(): Operation {
    return this.operation('/preview', 'post');
  }

  operation(path: string, method: string): Operation {
    const operation = this.document.paths[path]?.[method];
    if (operation === undefined) throw new Error(`${method} ${path} is not described`);
    return operation;
  }

  /** @throws where the answer is not as described, under its status or as `default` */
  check(method: string, path: string, reply: Reply, describedAs = String(reply.status)): void {
    const { status, headers, text } = reply;
    const { responses } = this.operation(path, method.toLowerCase());
    const place = responses[describedAs];
    if (place === undefined) throw new Error(`${method} ${path} answers ${status}: ${text.slice(0, 300)}`);
    const response =
      '$ref' in place ? this.document.components.responses[place.$ref.split('/')[3] ?? ''] : place;
    const type = (headers['content-type'] ?? '').split(';')[0] ?? '';
    const described = response?.content[type];
    if (response === undefined || described === undefined)
      throw new Error(`${method} ${path} answers ${status} with ${type}`);
    for (const [name, { required }] of Object.entries(response.headers ?? {})) {
      if (required === true) expect(headers, `headers of ${status}`).to.have.property(name.toLowerCase());
    }
    this.seen.add(`${method} ${path} ${status} ${type}`);
    const isJson = type.endsWith('json');
    const validate = this.validator(described.schema);
    if (!validate(isJson ? JSON.parse(text) : text))
      throw new Error(`${path} ${status}: ${this.ajv.errorsText(validate.errors)}: ${text.slice(0, 300)}`);
  }

  private validator(schema: object): ValidateFunction {
    const known = this.validators.get(schema);
    if (known !== undefined) return known;
    // Its references lead to #/components of the document.
    const own = JSON.parse(JSON.stringify(closed(schema)).replaceAll('"#/', '"openapi#/')) as object;
    const made = this.ajv.compile(own);
    this.validators.set(schema, made);
    return made;
  }
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const ANNOTATED = 'application/vnd.kube-harden.annotated+json';
const YAML = { 'content-type': 'application/yaml' };
const POD =
  'apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, image: nginx}]}\n';

const NAMESPACES = `apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {kube-harden.io/mode: enforce}}}
  - {apiVersion: v1, kind: Namespace, metadata: {name: default, labels: {kube-harden.io/mode: enforce}}}
`;

/** `serve` as a process of its own; stopped with `kill`. */
async function startServe(flags: readonly string[]): Promise<{ process: ChildProcess; port: number }> {
  const { certFile, keyFile } = await servingFiles();
  const listen = ['admission', 'preview', 'ops'].flatMap((name) => [`--${name}-bind-address`, '127.0.0.1:0']);
  const files = ['--tls-cert-file', certFile, '--tls-private-key-file', keyFile];
  const own = Object.entries(process.env).filter(([name]) => !/^(KUBE|POD_)/.test(name));
  const child = spawn(
    process.execPath,
    ['--import', 'tsx/esm', 'src/main.ts', 'serve', '--log-format', 'json', ...files, ...listen, ...flags],
    { cwd: ROOT, env: Object.fromEntries(own), stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let lines = '';
  for await (const chunk of child.stdout) {
    lines += String(chunk);
    const port = /"preview":"https:\/\/[^:"]+:(\d+)/.exec(lines)?.[1];
    if (port !== undefined) return { process: child, port: Number(port) };
  }
  throw new Error(`serve has not started: ${lines}`);
}

describe('OpenAPI, against a real serve process', () => {
  let server: ChildProcess | undefined;
  let port = 0;
  let description: Description;

  before(async () => {
    ({ process: server, port } = await startServe([]));
    const { text } = await call(port, '/openapi.json');
    description = new Description(JSON.parse(text) as OpenApi);
  });
  after(() => void server?.kill());

  /** @returns the answer, which is as described */
  async function checked(method: string, path: string, options: Call = {}, to = port): Promise<Reply> {
    const reply = await call(to, path, { method, ...options });
    description.check(method, path.split('?')[0] ?? '', reply);
    return reply;
  }

  const preview = (body: string, query = '', headers: Record<string, string> = YAML): Promise<Reply> =>
    checked('POST', `/preview${query}`, { body, headers });

  it('describes every path that answers a GET with JSON', async () => {
    for (const path of ['/openapi.json', '/api/rules', '/api/policies']) {
      expect((await checked('GET', path)).status, path).to.equal(200);
    }
    const { detail } = JSON.parse((await call(port, '/nowhere')).text) as { detail: string };
    expect(detail).to.match(/\/preview, .*\/api\/rules, .*\/api\/policies/);
  });

  it('describes what is answered for every workload of the corpus', async function () {
    this.timeout(240_000);
    const objects = corpusWorkloads().map(({ object }) => object);
    let invalid = 0;
    for (let start = 0; start < objects.length; start += 10) {
      const items = objects.slice(start, start + 10);
      const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
      const batch = await preview(list, '?policy=restricted');
      await preview(list, '?namespace=shop', { ...YAML, accept: ANNOTATED });
      if (batch.status === 200) continue;
      // One object that the API server would refuse too hides the others: each by itself, then.
      for (const object of items) {
        const { status } = await preview(JSON.stringify(object), '?namespace=shop');
        if (status !== 200) invalid += 1;
      }
    }
    console.log(`      ${objects.length} workloads; ${invalid} answered with a problem document`);
    expect(objects.length).to.be.at.least(100);
    expect(invalid / objects.length).to.be.below(0.2);
  });

  it('names each media type that is answered, and each that is taken', async () => {
    const answered = description.preview.responses['200'] as ResponseObject;
    for (const accept of Object.keys(answered.content)) {
      const { status, headers } = await preview(POD, '?namespace=shop', { ...YAML, accept });
      expect(status, accept).to.equal(200);
      expect(headers['content-type']?.split(';')[0]).to.equal(accept);
    }
    const { detail } = JSON.parse((await preview(POD, '', { ...YAML, accept: 'text/html' })).text) as {
      detail: string;
    };
    for (const type of Object.keys(answered.content)) expect(detail).to.include(type);
    for (const type of Object.keys(description.preview.requestBody?.content ?? {})) {
      const body = type.endsWith('json')
        ? '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}'
        : POD;
      expect((await preview(body, '', { 'content-type': type })).status, type).to.equal(200);
    }
  });

  it('names each parameter of the query', async () => {
    const names = (description.preview.parameters ?? []).map(({ name }) => name);
    const { text } = await preview(POD, '?nonsense=1');
    expect(text).to.include(`known: ${names.join(', ')}`);
    const query =
      '?namespace=shop&policy=baseline&mode=audit&label=kube-harden.io/sshd=warn&label=kube-harden.io/resources=disabled&podSecurityVersion=v1.30';
    for (const name of names) expect(query).to.include(`${name}=`);
    expect((await preview(POD, query)).status).to.equal(200);
  });

  it('describes reviews, lists, templates, denials, kinds without a pod, and errors with their places', async () => {
    const pod = { metadata: { name: 'web' }, spec: { containers: [{ name: 'web', image: 'nginx' }] } };
    const review = (request: object): string =>
      JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
    const request = {
      uid: 'u',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      operation: 'CREATE',
      namespace: 'shop',
    };
    const socket = `${POD.slice(0, -2)}, volumes: [{name: s, hostPath: {path: /run/containerd/containerd.sock}}]}\n`;
    const bodies: [string, string, number][] = [
      [review({ ...request, object: { apiVersion: 'v1', kind: 'Pod', ...pod } }), '', 200],
      [review({ ...request, operation: 'DELETE', oldObject: pod }), '', 200],
      [`${POD}---\n${POD}`, '', 200],
      ['apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n', '', 200],
      [socket, '?policy=restricted', 200],
      [POD, '?namespace=kube-system', 200],
      [POD, '?mode=audit', 200],
      ['kind: Pod\n  bad: [\n', '', 400],
      ['', '', 400],
      ['- 1\n- 2\n', '', 400],
      ['{{ .Values.x }}\n', '', 400],
      [POD.replace('nginx', '[1]'), '', 400],
      [POD, '?policy=nonsense&mode=off&label=a=b&podSecurityVersion=1.30&namespace=UPPER', 400],
    ];
    for (const [body, query, status] of bodies) {
      const { text, status: got } = await preview(body, query);
      expect(got, `${body.slice(0, 60)}${query}: ${text.slice(0, 200)}`).to.equal(status);
      const { errors } = JSON.parse(text) as { errors?: unknown[] };
      if (status === 400) expect(errors, body).to.have.lengthOf.at.least(1);
    }
  });

  it('describes what is refused before it is read', async () => {
    for (const type of ['image/png', 'application/yaml; charset=iso-8859-1'])
      expect((await preview(POD, '', { 'content-type': type })).status, type).to.equal(415);
    const large = await preview('#'.repeat(20 * 1024 * 1024 + 1));
    expect(large.status).to.equal(413);
    const wrongMethod = await call(port, '/preview', { method: 'PUT' });
    expect(wrongMethod.status).to.equal(405);
    description.check('POST', '/preview', wrongMethod, 'default');
  });

  it('describes a namespace that does not exist', async () => {
    const file = join(temporaryFolder(), 'namespaces.yaml');
    writeFileSync(file, NAMESPACES);
    const other = await startServe(['--namespaces-file', file]);
    try {
      const reply = await checked(
        'POST',
        '/preview?namespace=nowhere',
        { body: POD, headers: YAML },
        other.port,
      );
      expect(reply.status).to.equal(404);
    } finally {
      other.process.kill();
    }
  });

  describe('in a cluster', () => {
    let cluster: ApiServer;
    let clusterPort = 0;

    before(async () => {
      cluster = await ApiServer.start();
      cluster.intercept =
        ({ path, body }) =>
        (res: ServerResponse) => {
          const { spec } = body as { spec: { token?: string; user?: string } };
          const status = path.endsWith('tokenreviews')
            ? { authenticated: spec.token !== 'expired', user: { username: spec.token } }
            : { allowed: spec.user === 'jane' };
          if (spec.token === 'broken') res.writeHead(500).end('{}');
          else res.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify({ status }));
        };
      const plans = new StandalonePlans({ policies: BUILTIN_POLICIES, clock: Date.now });
      const { servers } = await startServers({
        previewAccess: new ClusterPreviewAccess({ api: cluster.api, logger: new RecordingLogger() }),
        loadPreviewRoutes: () =>
          Promise.resolve(
            previewRoutes({
              plans: {
                planFor: (namespace) => plans.planFor(namespace),
                planWith: (given) => {
                  if (given.namespace === 'later')
                    throw new PlanUnavailableError('its policy has never loaded');
                  return plans.planWith(given);
                },
              },
              policies: () => BUILTIN_POLICIES,
            }),
          ),
      });
      clusterPort = servers.preview?.listener.address.port ?? 0;
    });
    after(() => {
      closeServers();
      cluster.close();
    });

    it('describes who is refused, and what cannot be answered now', async () => {
      const cases: [token: string | undefined, namespace: string, status: number][] = [
        [undefined, 'shop', 401],
        ['expired', 'shop', 401],
        ['eve', 'shop', 403],
        ['broken', 'shop', 503],
        ['jane', 'later', 503],
        ['jane', 'shop', 200],
      ];
      for (const [token, namespace, status] of cases) {
        const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
        const body = { body: POD, headers: { ...YAML, ...authorization } };
        const reply = await checked('POST', `/preview?namespace=${namespace}`, body, clusterPort);
        expect(reply.status, `${String(token)} ${namespace}: ${reply.text.slice(0, 200)}`).to.equal(status);
        if (namespace === 'later') continue;
        for (const path of ['/api/rules', '/api/policies', '/openapi.json']) {
          const other = await checked(
            'GET',
            `${path}?namespace=${namespace}`,
            { headers: authorization },
            clusterPort,
          );
          expect(other.status, path).to.equal(status);
        }
      }
    });
  });

  describe('at the end', () => {
    it('has been held against every answer that it describes, but for bugs', () => {
      const described = Object.entries(description.document.paths).flatMap(([path, operations]) =>
        Object.entries(operations).flatMap(([method, { responses }]) =>
          Object.entries(responses).flatMap(([status, place]) => {
            const name = '$ref' in place ? (place.$ref.split('/')[3] ?? '') : '';
            const { content } =
              '$ref' in place ? (description.document.components.responses[name] ?? { content: {} }) : place;
            return Object.keys(content).map((type) => `${method.toUpperCase()} ${path} ${status} ${type}`);
          }),
        ),
      );
      const unseen = described.filter(
        (answer) => !description.seen.has(answer) && !/ (?:500|default) /.test(answer),
      );
      expect(unseen).to.deep.equal([]);
    });
  });
});
