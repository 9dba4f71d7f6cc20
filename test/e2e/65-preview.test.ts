import { expect } from 'chai';
import fastJsonPatch, { type Operation } from 'fast-json-patch';
import { parse } from 'yaml';
import { minorOf } from '../../src/cluster/apiServerVersion.js';
import { RULE_IDS } from '../../src/hardening/rule.js';
import type { ApiClient, ApiReply, Json } from './controlPlane/apiClient.js';
import { eachOf, podOf, putPolicy, sendPod, type PodManifest, type PodReply } from './support/podRequests.js';
import { applyPreviewRights, previewClient } from './support/previewAccess.js';
import { bindClusterRole } from './support/rbac.js';
import { EVERY_RULE, RULE_PODS } from './support/rulePods.js';
import { eventually } from './support/wait.js';
import { makeNamespace, world } from './support/world.js';

const POLICY = 'e2e-previewed';
const ACCOUNTS = ['nothing', 'inside', 'editor', 'wide'] as const;
type Who = (typeof ACCOUNTS)[number];
const POD = podOf('web');

interface Result {
  readonly namespace: string;
  readonly policy: string;
  readonly outcome: string;
  readonly message: string | null;
  readonly patch: readonly Operation[];
  readonly warnings: readonly string[];
  readonly podSecurity: { readonly version: string; readonly before: string };
}

interface Problem {
  readonly status: number;
  readonly detail: string;
}

function inNamespace(namespace: string, manifest: PodManifest = POD): PodManifest {
  return { ...manifest, metadata: { ...manifest.metadata, namespace } as PodManifest['metadata'] };
}

function listOf(...items: readonly PodManifest[]): object {
  return { apiVersion: 'v1', kind: 'List', items };
}

function reviewOf(namespace: string, object: PodManifest): object {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: '1',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      operation: 'CREATE',
      namespace,
      object,
    },
  };
}

describe('the preview of a replica in the cluster', function () {
  this.timeout(60_000);
  const clients = new Map<string, ApiClient>();
  const tokens = new Map<Who, string>();
  /** In which `inside` and `editor` may ask. */
  let here = '';
  let elsewhere = '';

  before(async () => {
    const { controlPlane } = world();
    await applyPreviewRights();
    await putPolicy(POLICY, EVERY_RULE);
    const labels = { 'kube-harden.io/mode': 'enforce', 'kube-harden.io/policy': POLICY };
    [here, elsewhere] = await Promise.all([makeNamespace(labels), makeNamespace(labels)]);
    for (const name of ACCOUNTS) {
      const path = `/api/v1/namespaces/${here}/serviceaccounts`;
      expect((await controlPlane.api('POST', path, { metadata: { name } })).status).to.equal(201);
      tokens.set(name, await controlPlane.serviceAccountToken(here, name));
    }
    await bindClusterRole('kube-harden-preview', `${here}:inside`, here);
    await bindClusterRole('edit', `${here}:editor`, here);
    await bindClusterRole('kube-harden-preview', `${here}:wide`);
    await eventually('the rights in force', async () => {
      const asked = (['inside', 'editor', 'wide'] as const).map((who) =>
        ask(who, 'POST', `/preview?namespace=${here}`, POD),
      );
      return (await Promise.all(asked)).every(({ status }) => status === 200);
    });
  });
  after(() => clients.forEach((client) => client.close()));

  /** Of every replica in turn, by a token of theirs or as it is given. */
  async function ask(
    who: Who | { token: string } | undefined,
    method: string,
    path: string,
    body?: unknown,
    headers = {},
  ): Promise<ApiReply> {
    const token = typeof who === 'string' ? tokens.get(who) : who?.token;
    const { replicas } = world();
    turn += 1;
    const replica = replicas[turn % replicas.length];
    if (replica === undefined) throw new Error('no replica runs');
    const key = `${replica.name} ${token ?? ''}`;
    const client = clients.get(key) ?? (await previewClient(replica, token));
    clients.set(key, client);
    return client.api(method, path, body, { headers });
  }
  let turn = 0;

  /** What a refused caller is told holds no word of policies, rules or what the namespace has. */
  function expectNothingTold({ body, headers }: ApiReply, what: string): void {
    const text = JSON.stringify(body).replaceAll(/kube-harden-preview|previews\.kube-harden\.io/g, '');
    for (const word of [POLICY, 'olicy', 'enforce', 'restricted', ...RULE_IDS])
      expect(text, what).to.not.include(word);
    expect(Object.keys(body as object).sort(), what).to.deep.equal(['detail', 'status', 'title', 'type']);
    expect(headers['content-type'], what).to.include('application/problem+json');
  }

  it('asks for a token that the API server accepts: 401 else, whatever is asked for', async () => {
    const { controlPlane } = world();
    const wrongAudience = await controlPlane.api<{ status: { token: string } }>(
      'POST',
      `/api/v1/namespaces/${here}/serviceaccounts/wide/token`,
      { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: ['vault'] } },
    );
    const [head = '', payload = '', signature = ''] = (tokens.get('wide') ?? '').split('.');
    const forged = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, Json>;
    const system = { ...forged, sub: 'system:serviceaccount:kube-system:x' };
    const bad: readonly (readonly [what: string, who: { token: string } | undefined])[] = [
      ['no token', undefined],
      ['nonsense', { token: 'nonsense' }],
      ['a token for somebody else', { token: wrongAudience.body.status.token }],
      [
        'a token with another subject',
        { token: [head, Buffer.from(JSON.stringify(system)).toString('base64url'), signature].join('.') },
      ],
      ['a token without its signature', { token: `${head}.${payload}.` }],
    ];
    for (const [what, who] of bad) {
      for (const [method, path] of [
        ['POST', `/preview?namespace=${here}`],
        ['GET', '/api/policies'],
        ['GET', '/api/rules'],
        ['GET', '/nowhere'],
      ] as const) {
        const reply = await ask(who, method, path, method === 'POST' ? POD : undefined);
        expect(reply.status, `${what}: ${path}`).to.equal(401);
        expect(reply.headers['www-authenticate'], what).to.match(/^Bearer /);
        expectNothingTold(reply, `${what}: ${path}`);
      }
    }
  });

  const REFUSED: readonly (readonly [
    what: string,
    who: Who,
    method: string,
    path: () => string,
    body?: () => unknown,
  ])[] = [
    ['no right, in its own namespace', 'nothing', 'POST', () => `/preview?namespace=${here}`, () => POD],
    ['no right, all policies', 'nothing', 'GET', () => '/api/policies'],
    ['no right, policies by way of a namespace', 'nothing', 'GET', () => `/api/policies?namespace=${here}`],
    ['no right, the rules', 'nothing', 'GET', () => '/api/rules'],
    ['no right, a path that is not there', 'nothing', 'GET', () => '/nowhere'],
    ['no right, what is no manifest', 'nothing', 'POST', () => '/preview', () => 'nonsense: ['],
    ['the right here, asked of the default namespace', 'inside', 'POST', () => '/preview', () => POD],
    [
      'the right here, asked of another',
      'inside',
      'POST',
      () => `/preview?namespace=${elsewhere}`,
      () => POD,
    ],
    [
      'the right here, asked of one that is not there',
      'inside',
      'POST',
      () => '/preview?namespace=nowhere',
      () => POD,
    ],
    [
      'the right here, a manifest that names another',
      'inside',
      'POST',
      () => `/preview?namespace=${here}`,
      () => inNamespace(elsewhere),
    ],
    [
      'the right here, a List with one that names another',
      'inside',
      'POST',
      () => `/preview?namespace=${here}`,
      () => listOf(inNamespace(here), inNamespace(elsewhere)),
    ],
    [
      'the right here, a review of another',
      'inside',
      'POST',
      () => `/preview?namespace=${here}`,
      () => reviewOf(elsewhere, POD),
    ],
    [
      'the right here, a review of an object of another',
      'inside',
      'POST',
      () => `/preview?namespace=${here}`,
      () => reviewOf(here, inNamespace(elsewhere)),
    ],
    ['the right here, all policies', 'inside', 'GET', () => '/api/policies'],
    [
      'an editor here, asked of another',
      'editor',
      'POST',
      () => `/preview?namespace=${elsewhere}`,
      () => POD,
    ],
  ];
  for (const [what, who, method, path, body] of REFUSED) {
    it(`403, and nothing of policies: ${what}`, async () => {
      const reply = await ask(who, method, path(), body?.());
      expect(reply.status, JSON.stringify(reply.body)).to.equal(403);
      expectNothingTold(reply, what);
      const { detail } = reply.body as Problem;
      expect(detail).to.include(
        `user "system:serviceaccount:${here}:${who}" cannot create previews.kube-harden.io in `,
      );
      expect(detail).to.include('to the ClusterRole kube-harden-preview gives the right');
    });
  }

  const ANSWERED: readonly (readonly [
    what: string,
    who: Who,
    method: string,
    path: () => string,
    body?: () => unknown,
  ])[] = [
    ['the right here, by a RoleBinding', 'inside', 'POST', () => `/preview?namespace=${here}`, () => POD],
    [
      'the right here, a manifest that names it',
      'inside',
      'POST',
      () => `/preview?namespace=${here}`,
      () => inNamespace(here),
    ],
    [
      'the right here, a review of here',
      'inside',
      'POST',
      () => `/preview?namespace=${here}`,
      () => reviewOf(here, inNamespace(here)),
    ],
    ['the right here, its policies', 'inside', 'GET', () => `/api/policies?namespace=${here}`],
    [
      'an editor here, to whose role it is aggregated',
      'editor',
      'POST',
      () => `/preview?namespace=${here}`,
      () => POD,
    ],
    ['the right everywhere, here', 'wide', 'POST', () => `/preview?namespace=${here}`, () => POD],
    ['the right everywhere, the default namespace', 'wide', 'POST', () => '/preview', () => POD],
    [
      'the right everywhere, several namespaces',
      'wide',
      'POST',
      () => '/preview',
      () => listOf(inNamespace(here), inNamespace(elsewhere)),
    ],
    ['the right everywhere, all policies', 'wide', 'GET', () => '/api/policies'],
    ['the right everywhere, the rules', 'wide', 'GET', () => '/api/rules'],
  ];
  for (const [what, who, method, path, body] of ANSWERED) {
    it(`200: ${what}`, async () => {
      const reply = await ask(who, method, path(), body?.());
      expect(reply.status, JSON.stringify(reply.body)).to.equal(200);
      if (path().startsWith('/api/policies')) expect(JSON.stringify(reply.body)).to.include(POLICY);
    });
  }

  it('404 for a namespace that is not there, to whoever may ask everywhere', async () => {
    const { status, body } = await ask('wide', 'POST', '/preview?namespace=nowhere', POD);
    expect([status, (body as Problem).detail]).to.satisfy(
      ([code, detail]: [number, string]) => code === 404 && detail.includes('nowhere'),
    );
  });

  async function previewOf(object: unknown, query = ''): Promise<Result> {
    const { status, body } = await ask('inside', 'POST', `/preview?namespace=${here}${query}`, object);
    expect(status, JSON.stringify(body)).to.equal(200);
    const [result] = (body as { results: Result[] }).results;
    if (result === undefined) throw new Error('no result');
    return result;
  }

  it(`says exactly what becomes of a pod, for the pods of ${RULE_PODS.length} rules`, async () => {
    const plain = await makeNamespace();
    let changed = 0;
    await eachOf(RULE_PODS, 6, async ([rule, manifest]) => {
      // As the API server shows it to webhooks: with its defaults and the volume of a token.
      const [seen, hardened] = await Promise.all([sendPod(plain, manifest), sendPod(here, manifest)]);
      expect(seen.status, rule).to.equal(201);
      const object = inNamespace(here, seen.body as unknown as PodManifest);
      const result = await previewOf(object);
      expect(result.policy, rule).to.equal(POLICY);
      expect(result.warnings, rule).to.deep.equal(hardened.warnings);
      if (hardened.status === 403) {
        expect(result.outcome, rule).to.equal('denied');
        expect(hardened.body.message, rule).to.include(result.message);
        return;
      }
      const patched = fastJsonPatch.applyPatch(
        structuredClone(object),
        result.patch as Operation[],
        true,
      ).newDocument;
      expect(shapeOf(patched as unknown as PodReply), rule).to.deep.equal(shapeOf(hardened.body));
      expect(result.patch.length, rule).to.be.above(0);
      changed++;
    });
    console.log(`      ${changed} patches the same, ${RULE_PODS.length - changed} refusals`);
  });

  it('gives a manifest that, created where nothing is hardened, is what its own becomes where it is', async () => {
    const plain = await makeNamespace();
    await eachOf(RULE_PODS, 6, async ([rule, manifest]) => {
      const hardened = await sendPod(here, manifest);
      if (hardened.status === 403) return;
      const { body } = await ask('editor', 'POST', `/preview?namespace=${here}`, manifest, {
        accept: 'application/yaml',
      });
      const created = await sendPod(plain, parse(body as string) as PodManifest);
      expect(created.status, `${rule}: ${String(body)}`).to.equal(201);
      expect(shapeOf(created.body).spec, rule).to.deep.equal(shapeOf(hardened.body).spec);
    });
  });

  it('judges Pod Security by the version of the API server, unless it is asked for another', async () => {
    const { body } = await world().controlPlane.api('GET', '/version');
    const own = `v1.${String(minorOf(body))}`;
    // Each replica in turn.
    for (const { name } of world().replicas)
      expect((await previewOf(POD)).podSecurity.version, name).to.equal(own);
    // Safe since v1.32.
    const sysctls = [{ name: 'net.ipv4.tcp_rmem', value: '4096 131072 6291456' }];
    const pod = podOf('web', { securityContext: { sysctls } });
    for (const [query, version, before] of [
      ['&podSecurityVersion=latest', own, 'baseline'],
      ['&podSecurityVersion=v1.32', 'v1.32', 'baseline'],
      ['&podSecurityVersion=v1.31', 'v1.31', 'privileged'],
    ] as const)
      expect((await previewOf(pod, query)).podSecurity, query).to.deep.include({ version, before });
  });

  it('says of a template under templates: Warn what the API server warns of, and patches nothing', async () => {
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: {
        selector: { matchLabels: { app: 'web' } },
        template: { metadata: { labels: { app: 'web' } }, spec: POD.spec },
      },
    };
    const path = `/apis/apps/v1/namespaces/${here}/deployments?dryRun=All`;
    const { warnings } = await world().controlPlane.api('POST', path, deployment);
    const result = await previewOf(deployment);
    expect(result.patch).to.deep.equal([]);
    expect(result.warnings).to.deep.equal(warnings).and.to.have.length.above(0);
  });
});

/** What hardening decides, and no name that is another in every pod. The API server keeps no `hostNetwork: false`. */
function shapeOf({ metadata, spec }: PodReply): { readonly annotations: Json; readonly spec: Json } {
  const text = JSON.stringify({ ...spec, hostNetwork: spec.hostNetwork === true });
  const named = text.replaceAll(/kube-api-access-[a-z0-9]{5}/g, 'kube-api-access');
  return { annotations: metadata.annotations, spec: JSON.parse(named) };
}
