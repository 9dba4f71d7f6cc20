import { expect } from 'chai';
import type { ApiReply, Json } from './controlPlane/apiClient.js';
import { eachOf } from './support/podRequests.js';
import { bindClusterRole, makeClusterRole } from './support/rbac.js';
import { eventually } from './support/wait.js';
import { makeNamespace, world } from './support/world.js';

/** Everything that a namespace can be asked, `update` of status and finalize included, but for the verb `label`. */
const EDITOR = { name: 'e2e-namespace-editor' };
/** The same, and the ClusterRole that the manifests have for platform teams. */
const PLATFORM = { name: 'e2e-platform' };
/** As the editor, with the platform's role by a RoleBinding in the namespace, which a namespace's admin could write. */
const BOUND_INSIDE = { name: 'e2e-bound-inside' };
/** As the editor, with the verb `label` for one namespace by its name. */
const ONE_NAMESPACE = { name: 'e2e-one-namespace' };

const CONTROLLER = 'system:serviceaccount:kube-system:namespace-controller';
const MODE = 'kube-harden.io/mode';
const UID_RANGE = 'kube-harden.io/uid-range';
const OPENSHIFT_RANGE = 'openshift.io/sa.scc.uid-range';
/** Whose fields an apply takes over, with all that it leaves out. */
const OWNER = 'platform-gitops';

type Place = 'labels' | 'annotations';
/** One key of the metadata: another value, or null for none. */
type Change = readonly [what: string, place: Place, key: string, value: string | null];

const GUARDED_LABELS = {
  [MODE]: 'enforce',
  'kube-harden.io/policy': 'restricted',
  'kube-harden.io/resources': 'warn',
};
const GUARDED_ANNOTATIONS = { [UID_RANGE]: '1000680000/10000', [OPENSHIFT_RANGE]: '1000680000/10000' };

const CHANGES: readonly Change[] = [
  ['another mode', 'labels', MODE, 'disabled'],
  ['no mode', 'labels', MODE, null],
  ['another policy', 'labels', 'kube-harden.io/policy', 'baseline'],
  ['no policy', 'labels', 'kube-harden.io/policy', null],
  ['a rule opted out', 'labels', 'kube-harden.io/capabilities', 'disabled'],
  ['an opt-out taken away', 'labels', 'kube-harden.io/resources', null],
  ['a label that nothing reads', 'labels', 'kube-harden.io/later', 'x'],
  ['another uid range', 'annotations', UID_RANGE, '0/10'],
  ['no uid range', 'annotations', UID_RANGE, null],
  ["OpenShift's uid range", 'annotations', OPENSHIFT_RANGE, '0/10'],
  ["no uid range of OpenShift's", 'annotations', OPENSHIFT_RANGE, null],
];

interface Namespace {
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly resourceVersion?: string;
  };
  readonly spec?: object;
}

/** @returns path below the namespace, body and content type of a request that makes this change */
type Way = (change: Change, current: Namespace) => { method: string; body: object; type?: string };

const strategic: Way = ([, place, key, value]) => ({
  method: 'PATCH',
  body: { metadata: { [place]: { [key]: value } } },
  type: 'application/strategic-merge-patch+json',
});
const merge: Way = (change, current) => ({
  ...strategic(change, current),
  type: 'application/merge-patch+json',
});
const json: Way = ([, place, key, value]) => ({
  method: 'PATCH',
  body: [
    value === null
      ? { op: 'remove', path: `/metadata/${place}/${key.replace('/', '~1')}` }
      : { op: 'add', path: `/metadata/${place}/${key.replace('/', '~1')}`, value },
  ],
  type: 'application/json-patch+json',
});
/** All at once, so that no operation names one of ours. */
const jsonWhole: Way = ([, place, key, value], current) => ({
  method: 'PATCH',
  body: [{ op: 'replace', path: `/metadata/${place}`, value: changed(current.metadata[place], key, value) }],
  type: 'application/json-patch+json',
});
const update: Way = ([, place, key, value], { metadata, ...rest }) => ({
  method: 'PUT',
  body: { ...rest, metadata: { ...metadata, [place]: changed(metadata[place], key, value) } },
});
/** What the owner applied, without what is left out: the API server takes that away. */
const apply: Way = ([, place, key, value], { metadata: { name } }) => ({
  method: 'PATCH',
  body: {
    ...NAMESPACE,
    metadata: {
      name,
      labels: GUARDED_LABELS,
      annotations: GUARDED_ANNOTATIONS,
      [place]: changed(place === 'labels' ? GUARDED_LABELS : GUARDED_ANNOTATIONS, key, value),
    },
  },
  type: 'application/apply-patch+yaml',
});

const NAMESPACE = { apiVersion: 'v1', kind: 'Namespace' };
const WAYS: Readonly<Record<string, Way>> = { update, merge, strategic, json, jsonWhole, apply };
/** `finalize` takes an update and nothing else. */
const PATHS: readonly (readonly [subresource: string, ways: readonly string[]])[] = [
  ['', Object.keys(WAYS)],
  ['/status', Object.keys(WAYS)],
  ['/finalize', ['update']],
];

function changed(
  before: Readonly<Record<string, string>> | undefined,
  key: string,
  value: string | null,
): Record<string, string> {
  const rest = Object.fromEntries(Object.entries(before ?? {}).filter(([other]) => other !== key));
  return value === null ? rest : { ...rest, [key]: value };
}

const pathOf = (name: string): string => `/api/v1/namespaces/${name}`;

async function read(name: string): Promise<Namespace> {
  return (await world().controlPlane.api<Namespace>('GET', pathOf(name))).body;
}

/** @param subresource by which the owner applied: an apply takes away only what was applied the same way */
async function labelled(subresource = ''): Promise<string> {
  const name = await makeNamespace();
  const { status, body } = await world().controlPlane.api(
    'PATCH',
    `${pathOf(name)}${subresource === '/status' ? subresource : ''}?fieldManager=${OWNER}`,
    { ...NAMESPACE, metadata: { name, labels: GUARDED_LABELS, annotations: GUARDED_ANNOTATIONS } },
    { contentType: 'application/apply-patch+yaml' },
  );
  expect(status, JSON.stringify(body)).to.equal(200);
  return name;
}

/** Nothing is kept of it, but for a refusal it makes no difference. */
function send(
  user: { readonly name: string },
  way: Way,
  change: Change,
  { current, subresource = '', keep = false }: { current: Namespace; subresource?: string; keep?: boolean },
): Promise<ApiReply> {
  const { method, body, type } = way(change, current);
  const query = new URLSearchParams({
    ...(keep ? {} : { dryRun: 'All' }),
    ...(type?.includes('apply') === true ? { fieldManager: OWNER, force: 'true' } : {}),
  });
  const path = `${pathOf(current.metadata.name)}${subresource}?${query.toString()}`;
  return world().controlPlane.api(method, path, body, {
    user,
    ...(type === undefined ? {} : { contentType: type }),
  });
}

/** A refusal that says what to ask for. */
function expectRefused({ status, body }: ApiReply, name: string, key: string, what: string): void {
  const { reason, message } = body as { reason: string; message: string };
  expect([status, reason], `${what}: ${message}`).to.deep.equal([403, 'Forbidden']);
  expect(message, what).to.include(
    `changing ${key} of namespace "${name}" takes the verb "label" on namespaces.kube-harden.io "${name}": ` +
      'ask for the ClusterRole kube-harden-platform',
  );
}

describe("who may change a namespace's labels", function () {
  this.timeout(60_000);
  let guarded = '';

  before(async () => {
    const namespaces = ['namespaces', 'namespaces/status', 'namespaces/finalize'];
    await makeClusterRole('e2e-namespace-editor', [{ apiGroups: [''], resources: namespaces, verbs: ['*'] }]);
    for (const user of [EDITOR, PLATFORM, BOUND_INSIDE, ONE_NAMESPACE])
      await bindClusterRole('e2e-namespace-editor', user.name);
    await bindClusterRole('kube-harden-platform', PLATFORM.name);
    guarded = await labelled();
    await bindClusterRole('kube-harden-platform', BOUND_INSIDE.name, guarded);
    await makeClusterRole('e2e-one-namespace', [
      {
        apiGroups: ['kube-harden.io'],
        resources: ['namespaces'],
        resourceNames: [guarded],
        verbs: ['label'],
      },
    ]);
    await bindClusterRole('e2e-one-namespace', ONE_NAMESPACE.name);
    // RBAC of the API server follows a moment later.
    await eventually('the rights in force', async () => {
      const current = await read(guarded);
      const change: Change = ['no mode', 'labels', MODE, null];
      const asked = [PLATFORM, ONE_NAMESPACE].map((user) => send(user, merge, change, { current }));
      return (await Promise.all(asked)).every(({ status }) => status === 200);
    });
  });

  for (const [subresource, names] of PATHS) {
    for (const name of names) {
      it(`${name} of namespaces${subresource}: refused to an editor, done for the platform`, async () => {
        const way = WAYS[name] as Way;
        const namespace = await labelled(subresource);
        const current = await read(namespace);
        await eachOf(CHANGES, 8, async (change) => {
          const [what, place, key, value] = change;
          const options = { current, subresource };
          expectRefused(await send(EDITOR, way, change, { ...options, keep: true }), namespace, key, what);
          const { status, body } = await send(PLATFORM, way, change, options);
          expect(status, `${what}: ${JSON.stringify(body)}`).to.equal(200);
          expect((body as Namespace).metadata[place]?.[key], what).to.equal(value ?? undefined);
        });
        const { labels, annotations } = (await read(namespace)).metadata;
        expect(labels).to.include(GUARDED_LABELS);
        expect(annotations).to.include(GUARDED_ANNOTATIONS);
      });
    }
  }

  it('a RoleBinding inside the namespace gives no right; a ClusterRole for its name does, there and nowhere else', async () => {
    const current = await read(guarded);
    const other = await read(await makeNamespace());
    const elsewhere: Change = ['a mode elsewhere', 'labels', MODE, 'audit'];
    await eachOf(CHANGES, 8, async (change) => {
      expectRefused(await send(BOUND_INSIDE, merge, change, { current }), guarded, change[2], change[0]);
      expect((await send(ONE_NAMESPACE, merge, change, { current })).status, change[0]).to.equal(200);
    });
    const { name } = other.metadata;
    expectRefused(await send(ONE_NAMESPACE, merge, elsewhere, { current: other }), name, MODE, elsewhere[0]);
  });

  it('an editor cannot create a namespace with one of them, by POST, by a generated name or by apply', async () => {
    const { controlPlane } = world();
    const added = CHANGES.flatMap(([, place, key, value]) => (value === null ? [] : [{ place, key, value }]));
    await eachOf(added, 4, async ({ place, key, value }, index) => {
      const name = `e2e-created-${process.pid}-${index}`;
      const metadata = { [place]: { [key]: value } };
      const post = (named: object): Promise<ApiReply> =>
        controlPlane.api(
          'POST',
          '/api/v1/namespaces',
          { ...NAMESPACE, metadata: { ...metadata, ...named } },
          { user: EDITOR },
        );
      expectRefused(await post({ name }), name, key, 'POST');
      const generated = (await post({ generateName: 'e2e-generated-' })).body as {
        details?: { name?: string };
      };
      expect(JSON.stringify(generated)).to.include('takes the verb \\"label\\"').and.include('"code":403');
      const applied = await controlPlane.api(
        'PATCH',
        `${pathOf(name)}?fieldManager=editor`,
        { ...NAMESPACE, metadata: { ...metadata, name } },
        { user: EDITOR, contentType: 'application/apply-patch+yaml' },
      );
      expectRefused(applied, name, key, 'apply');
      expect((await controlPlane.api('GET', pathOf(name))).status).to.equal(404);
      const platform = await controlPlane.api(
        'POST',
        '/api/v1/namespaces?dryRun=All',
        { ...NAMESPACE, metadata: { ...metadata, name } },
        { user: PLATFORM },
      );
      expect(platform.status, JSON.stringify(platform.body)).to.equal(201);
    });
  });

  it("kubectl tells an editor what to ask for, and lets everything else of a namespace's through", async () => {
    const { controlPlane } = world();
    const kubeconfig = await controlPlane.kubeconfigFor(EDITOR.name);
    const label = (text: string): Promise<{ code: number; stdout: string; stderr: string }> =>
      controlPlane.kubectl(['label', 'namespace', guarded, '--overwrite', text], { kubeconfig });
    const refused = await label(`${MODE}=disabled`);
    expect(refused.code).to.equal(1);
    expect(refused.stderr).to.include('ask for the ClusterRole kube-harden-platform');
    expect((await label('team=shop')).code).to.equal(0);
    expect((await label('kube-harden=x')).code).to.equal(0);
    expect((await label('app.kube-harden.io/team=x')).code).to.equal(0);
    const other: readonly Change[] = [
      ['another label', 'labels', 'team', 'billing'],
      ['no label', 'labels', 'team', null],
      ['an annotation', 'annotations', 'example.com/owner', 'jane'],
    ];
    const current = await read(guarded);
    for (const [subresource, names] of PATHS)
      for (const name of names)
        for (const change of other) {
          if (name === 'apply') continue; // as the owner, it would take the label over
          const { status, body } = await send(EDITOR, WAYS[name] as Way, change, { current, subresource });
          expect(status, `${name} ${subresource} ${change[0]}: ${JSON.stringify(body)}`).to.equal(200);
        }
  });

  it('an editor may delete a labelled namespace, and its controller finishes that undisturbed', async () => {
    const { controlPlane } = world();
    const since = new Date();
    const name = await makeNamespace(GUARDED_LABELS, GUARDED_ANNOTATIONS);
    const map = { metadata: { name: 'x' } };
    expect((await controlPlane.api('POST', `${pathOf(name)}/configmaps`, map)).status).to.equal(201);
    expect((await controlPlane.api('DELETE', pathOf(name), undefined, { user: EDITOR })).status).to.equal(
      200,
    );
    await eventually(
      'the namespace gone',
      async () => (await controlPlane.api('GET', pathOf(name))).status === 404,
      30_000,
    );
    await controlPlane.auditEvent({ user: CONTROLLER, subresource: 'finalize', name, verb: 'update' });
    const codes = controlPlane
      .auditEvents({ user: CONTROLLER, since, where: ({ objectRef }) => objectRef?.namespace === name })
      .map(({ responseStatus }) => responseStatus?.code ?? 0);
    expect(codes.length).to.be.above(0);
    // 405: kinds of which a collection cannot be deleted at once. 409: it asks again.
    expect(
      codes.filter((code: Json) => code >= 400 && ![404, 405, 409].includes(code as number)),
    ).to.deep.equal([]);
  });
});
