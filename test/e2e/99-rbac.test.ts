import { expect } from 'chai';
import { parseAllDocuments } from 'yaml';
import { WRONG_POLICIES } from '../support/policyDocuments.js';
import type { AuditEvent } from './controlPlane/auditLog.js';
import { callReplica } from './support/admissionCall.js';
import { kustomizationOf } from './support/kustomization.js';
import { putPolicy } from './support/podRequests.js';
import { applyPreviewRights, previewClient } from './support/previewAccess.js';
import type { PolicyRule } from './support/rbac.js';
import { eventually } from './support/wait.js';
import { world } from './support/world.js';

const SERVER = 'system:serviceaccount:kube-harden:kube-harden';
/** How replicas call themselves: by our own client, and by client-node's watches. */
const REPLICA_AGENT = /^kube-harden\b/;

interface Right {
  /** A namespace, or `*`. */
  readonly where: string;
  readonly apiGroup: string;
  readonly resource: string;
  readonly name: string | undefined;
  readonly verb: string;
}

interface Role {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly PolicyRule[];
  readonly roleRef?: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly { readonly name: string; readonly namespace?: string }[];
}

/** What the manifests, with the preview, grant the server. */
async function rightsInManifests(): Promise<readonly Right[]> {
  const { controlPlane } = world();
  const folder = kustomizationOf(controlPlane.folder, 'overlays/self-signed', ['components/preview']);
  const rendered = parseAllDocuments(await controlPlane.kubectlOutput(['kustomize', folder]));
  const objects = rendered.map((document) => document.toJS() as Role);
  return objects.flatMap(({ metadata, roleRef, subjects = [] }) => {
    if (!subjects.some(({ name, namespace }) => name === 'kube-harden' && namespace === 'kube-harden'))
      return [];
    const role = objects.find(
      (object) =>
        object.kind === roleRef?.kind &&
        object.metadata.name === roleRef.name &&
        (object.kind === 'ClusterRole' || object.metadata.namespace === metadata.namespace),
    );
    return (role?.rules ?? []).flatMap((rule) => rightsOf(rule, metadata.namespace ?? '*'));
  });
}

function rightsOf({ apiGroups, resources, resourceNames, verbs }: PolicyRule, where: string): Right[] {
  const names: readonly (string | undefined)[] = resourceNames ?? [undefined];
  return apiGroups.flatMap((apiGroup) =>
    resources.flatMap((resource) =>
      names.flatMap((name) => verbs.map((verb) => ({ where, apiGroup, resource, name, verb }))),
    ),
  );
}

function textOf({ where, apiGroup, resource, name, verb }: Right): string {
  const kind = apiGroup === '' ? resource : `${resource}.${apiGroup}`;
  return [
    verb.padEnd(6),
    kind,
    ...(name === undefined ? [] : [name]),
    ...(where === '*' ? [] : [`in ${where}`]),
  ].join(' ');
}

function isBy(
  { where, apiGroup, resource, name, verb }: Right,
  { verb: used, objectRef }: AuditEvent,
): boolean {
  const { subresource } = objectRef ?? {};
  const full =
    subresource === undefined ? objectRef?.resource : `${objectRef?.resource ?? ''}/${subresource}`;
  return (
    used === verb &&
    full === resource &&
    (objectRef?.apiGroup ?? '') === apiGroup &&
    (name === undefined || objectRef?.name === name) &&
    (where === '*' || objectRef?.namespace === where)
  );
}

/** The last file of a run: what replicas asked for in all of it, or in the little that this file has them do. */
describe('the rights of the server, in the whole run', function () {
  this.timeout(120_000);
  let rights: readonly Right[] = [];
  let events: readonly AuditEvent[] = [];

  before(async () => {
    await everythingAtLeastOnce();
    rights = await rightsInManifests();
    events = await eventually(
      'every right used',
      () => {
        const logged = world().controlPlane.auditEvents({ user: SERVER });
        return rights.every((right) => logged.some((event) => isBy(right, event))) && logged;
      },
      10_000,
      200,
      // What is missing is told by the test that asks for it.
    ).catch(() => world().controlPlane.auditEvents({ user: SERVER }));
  });

  it('has each right of the manifests used, so that none is too much', () => {
    const counts = rights.map((right) => ({
      right,
      count: events.filter((event) => isBy(right, event)).length,
    }));
    for (const { right, count } of counts)
      console.log(`      ${String(count).padStart(6)}  ${textOf(right)}`);
    expect(rights.length).to.be.above(0);
    expect(counts.filter(({ count }) => count === 0).map(({ right }) => textOf(right))).to.deep.equal([]);
  });

  it('has no request that the manifests give no right to, so that none is missing', () => {
    const { apiServerStarts } = world().controlPlane;
    const others = events
      .filter(({ objectRef }) => objectRef !== undefined)
      .filter((event) => !rights.some((right) => isBy(right, event)));
    expect([...new Set(others.map(shown))]).to.deep.equal([]);
    const refused = events.filter(({ responseStatus, requestReceivedTimestamp }) => {
      const at = Date.parse(requestReceivedTimestamp);
      // Its roles are read after it has begun to answer.
      const isStarting = apiServerStarts.some(({ from, to }) => at >= from.getTime() && at <= to.getTime());
      return responseStatus?.code === 403 && !isStarting;
    });
    console.log(
      `      ${events.length} requests, ${refused.length} refused, ${apiServerStarts.length} starts of the API server`,
    );
    expect([...new Set(refused.map(shown))]).to.deep.equal([]);
  });

  it('belong to the ServiceAccount, and no replica came as anybody else', () => {
    const agents = world().controlPlane.auditEvents({
      where: ({ userAgent = '' }) => REPLICA_AGENT.test(userAgent),
    });
    const users = [...new Set(agents.map(({ user }) => user.username))];
    expect(users).to.include(SERVER);
    // A test that needs a replica with fewer rights gives it an account of its own, in a namespace of its own. A command
    // (network-policy) asks as whoever runs it.
    const ofTests = /^(system:serviceaccount:e2e-|e2e-network-admin$|e2e-plugin-)/;
    expect(users.filter((user) => user !== SERVER && !ofTests.test(user))).to.deep.equal([]);
    const outsiders = events.filter(({ userAgent = '' }) => !REPLICA_AGENT.test(userAgent));
    expect(
      [...new Set(outsiders.map(({ userAgent = '' }) => userAgent))],
      'the account used by others',
    ).to.deep.equal([]);
  });
});

function shown({ verb, requestURI, responseStatus }: AuditEvent): string {
  return `${verb} ${requestURI}: ${responseStatus?.code ?? ''} ${responseStatus?.message ?? ''}`;
}

/** What a run of this file alone would else not have: the rest happens when replicas start. */
async function everythingAtLeastOnce(): Promise<void> {
  const { controlPlane, replicas, apiDoor } = world();
  const [replica] = replicas;
  if (replica === undefined) throw new Error('no replica runs');
  // A namespace that no watch can know of: looked up, and not found.
  const reply = await callReplica(replica, 'e2e-not-there');
  expect(reply.status).to.equal(500);
  // A policy that is taken and one that is not: a status each, and an Event.
  const wrong = WRONG_POLICIES.find(({ apiServer }) => apiServer === 'accepts');
  await putPolicy('e2e-rights', { rules: { runAsUser: { action: 'Default', value: 2000 } } });
  await putPolicy('e2e-rights', wrong?.document.spec);
  await applyPreviewRights();
  const client = await previewClient(replica, await controlPlane.serviceAccountToken('default', 'default'));
  await eventually('a preview refused for want of the right', async () => {
    return (await client.api('GET', '/api/policies')).status === 403;
  });
  client.close();
  // A watch is logged when it ends.
  apiDoor.cut();
  await Promise.all(replicas.map((each) => each.becomesReady()));
}
