import { expect } from 'chai';
import { changedBy, createPod } from './support/createPod.js';
import { podOf, putPolicy, sendPod, type PodReply } from './support/podRequests.js';
import { eventually } from './support/wait.js';
import { makeNamespace, world } from './support/world.js';

/** A privileged container gets nothing from kube-harden, which is one more thing that must stay as it is. */
const POD = podOf('web', {
  containers: [
    { name: 'main', image: 'registry.example/shop/web:1' },
    { name: 'agent', image: 'registry.example/shop/agent:1', securityContext: { privileged: true } },
  ],
});

async function podIn(namespace: string): Promise<PodReply> {
  const { body } = await world().controlPlane.api<PodReply>(
    'GET',
    `/api/v1/namespaces/${namespace}/pods/web`,
  );
  return body;
}

/** Adds a container as kubectl does: by a patch of the subresource. No kubelet runs it, so nothing is attached to. */
async function debug(namespace: string, name: string, ...args: string[]): Promise<string> {
  const { code, stderr } = await world().controlPlane.kubectl([
    'debug',
    '-n',
    namespace,
    'web',
    '--image=docker.io/library/busybox:1.37',
    '-c',
    name,
    ...args,
  ]);
  expect(code, stderr).to.equal(0);
  return stderr;
}

/** What kubectl writes with --profile=restricted. */
const DECLARED = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
};
const HARDENED = { ...DECLARED, runAsUser: 65532, runAsGroup: 65532 };

describe('a container that kubectl debug adds', () => {
  for (const { what, policy, args, expected } of [
    {
      what: 'says nothing (--profile=baseline): gets all',
      policy: 'default',
      args: ['--profile=baseline'],
      expected: HARDENED,
    },
    {
      what: 'may trace (--profile=general, SYS_PTRACE): it starts as root by intent',
      policy: 'default',
      args: ['--profile=general'],
      expected: {
        allowPrivilegeEscalation: false,
        capabilities: { add: ['SYS_PTRACE'] },
        seccompProfile: { type: 'RuntimeDefault' },
      },
    },
    {
      what: 'says all (--profile=restricted): stays as it is',
      policy: 'default',
      args: ['--profile=restricted'],
      expected: DECLARED,
    },
    {
      what: 'may trace, under the policy restricted: may no longer',
      policy: 'restricted',
      args: ['--profile=general'],
      expected: HARDENED,
    },
  ]) {
    it(`${what}; the API server accepts it`, async () => {
      // The pod is made before the namespace is turned on: so all that its containers get, they get here or not at all.
      const namespace = await makeNamespace({ 'kube-harden.io/policy': policy });
      expect((await sendPod(namespace, POD, { dryRun: false })).status).to.equal(201);
      const before = await podIn(namespace);
      await turnOn(namespace);
      await debug(namespace, 'debugger', ...args);
      const after = await podIn(namespace);
      const { ephemeralContainers, ...rest } = after.spec;
      expect(rest).to.deep.equal(before.spec);
      expect(after.metadata.annotations).to.deep.equal(before.metadata.annotations);
      expect(ephemeralContainers).to.have.length(1);
      expect(ephemeralContainers?.[0]?.securityContext).to.deep.equal(expected);
    });
  }

  it('gets no volumes, no resources and no read-only root file system, under a policy that sets all of them', async () => {
    await putPolicy('e2e-ephemeral', {
      rules: {
        automountServiceAccountToken: { action: 'Override' },
        readOnlyRootFilesystem: { action: 'Override' },
        resources: { action: 'Override' },
      },
    });
    const namespace = await makeNamespace({
      'kube-harden.io/mode': 'enforce',
      'kube-harden.io/policy': 'e2e-ephemeral',
    });
    await sendPod(namespace, POD, { dryRun: false });
    const before = await podIn(namespace);
    await debug(namespace, 'debugger', '--profile=baseline');
    const { volumes, ephemeralContainers } = (await podIn(namespace)).spec;
    expect(volumes).to.deep.equal(before.spec.volumes);
    const [added] = ephemeralContainers ?? [];
    expect(added?.resources ?? {}).to.deep.equal({});
    expect(added?.volumeMounts ?? []).to.deep.equal([]);
    expect(added?.securityContext).to.deep.equal(HARDENED);
  });

  it('is let alone when the next one is added', async () => {
    const namespace = await makeNamespace();
    await sendPod(namespace, POD, { dryRun: false });
    await debug(namespace, 'unhardened', '--profile=baseline');
    await turnOn(namespace);
    await debug(namespace, 'second', '--profile=baseline');
    await debug(namespace, 'third', '--profile=baseline');
    const { ephemeralContainers = [] } = (await podIn(namespace)).spec;
    expect(
      ephemeralContainers.map(({ name, securityContext }) => [
        name,
        securityContext?.['allowPrivilegeEscalation'],
      ]),
    ).to.deep.equal([
      ['unhardened', undefined],
      ['second', false],
      ['third', false],
    ]);
  });

  it('is told of in audit mode and not changed', async () => {
    const namespace = await makeNamespace({ 'kube-harden.io/mode': 'audit' });
    await sendPod(namespace, POD, { dryRun: false });
    const stderr = await debug(namespace, 'debugger', '--profile=baseline');
    expect(stderr).to.match(/^Warning: runAsUser would be set on container "debugger"; /m);
    const { ephemeralContainers } = (await podIn(namespace)).spec;
    expect(ephemeralContainers?.[0]?.securityContext).to.equal(undefined);
  });
});

/** Resolves once the API server selects the namespace's pods by its new label. */
async function turnOn(namespace: string): Promise<void> {
  const { controlPlane } = world();
  await controlPlane.kubectlOutput(['label', 'ns', namespace, 'kube-harden.io/mode=enforce']);
  await eventually(
    'the namespace turned on',
    async () => changedBy(await createPod(controlPlane, namespace, { name: 'another' })) !== undefined,
  );
}
