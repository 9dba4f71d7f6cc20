import { expect } from 'chai';
import { BUDGET, HeldBodies } from '../system/faults/support/heldBodies.js';
import { changedBy, createPod } from './support/createPod.js';
import type { KubeHarden } from './support/kubeHarden.js';
import { eventually } from './support/wait.js';
import { makeNamespace, world } from './support/world.js';

/*
 * kube-apiserver calls a webhook through client-go's rest.Request, which on 429 and 5xx with an integer Retry-After waits
 * so long and sends the request again, up to 10 times within the webhook's timeout (k8s.io/client-go v0.36.4,
 * rest/with_retry.go checkWait; k8s.io/apiserver v0.36.4, admission/plugin/webhook/mutating/dispatcher.go).
 */
const PODS = 20;
/** Less than any review. */
const LEFT = 64;
/** `timeoutSeconds` of the manifests. */
const TIMEOUT_MS = 5000;

describe('a replica that has no room for more bodies', function () {
  this.timeout(60_000);
  let namespace: string;
  let replica: KubeHarden;
  let held: HeldBodies | undefined;

  before(async () => {
    namespace = await makeNamespace({ 'kube-harden.io/mode': 'enforce' });
    const { endpoints, forwarder, replicas } = world();
    const [first] = replicas;
    if (first === undefined) throw new Error('no replica');
    replica = first;
    // All calls come to this one, and none may be sent elsewhere.
    endpoints.pause();
    forwarder.setBackends([{ port: replica.admissionPort }]);
    forwarder.cut();
    expect((await createPod(world().controlPlane, namespace)).status).to.equal(201);
  });
  afterEach(() => held?.release());
  after(() => world().restore());

  const refused = (): Promise<number> =>
    replica.metric('kube_harden_refused_requests_total', { reason: 'overBudget' });

  async function fill(): Promise<HeldBodies> {
    // Whose certificate it is does not matter to who only holds bodies.
    held = await HeldBodies.hold(replica, BUDGET - LEFT, { rejectUnauthorized: false });
    return held;
  }

  it('says so, the API server comes again, and the user notices nothing but a second', async () => {
    const { controlPlane } = world();
    const before = await refused();
    const bodies = await fill();
    const began = performance.now();
    const creations = Array.from({ length: PODS }, (_, index) =>
      createPod(controlPlane, namespace, { name: `web-${index}`, dryRun: false }),
    );
    const dry = controlPlane.kubectl([
      'run',
      'by-hand',
      '-n',
      namespace,
      '--image=registry.example/web:1',
      '--dry-run=server',
      '-o',
      'name',
    ]);
    await eventually('all refused once', async () => (await refused()) - before >= PODS + 1);
    bodies.release();
    const [replies, command] = [await Promise.all(creations), await dry];
    const seconds = (performance.now() - began) / 1000;
    for (const reply of replies) {
      expect(reply.status, JSON.stringify(reply.body)).to.equal(201);
      expect(changedBy(reply)).to.include('runAsNonRoot');
    }
    expect(command.code, command.stderr).to.equal(0);
    expect(command.stdout.trim()).to.equal('pod/by-hand');
    console.log(
      `      ${(await refused()) - before} calls got 503; ${PODS + 1} of ${PODS + 1} pods were created, hardened, within ${seconds.toFixed(1)} s`,
    );
  });

  it('for longer than the timeout fails the creation with an error that says so', async () => {
    const before = await refused();
    await fill();
    const began = performance.now();
    const { status, body } = await createPod(world().controlPlane, namespace);
    const ms = performance.now() - began;
    console.log(
      `      ${(await refused()) - before} calls got 503; failed after ${Math.round(ms)} ms: ${body.message ?? ''}`,
    );
    expect(status).to.equal(500);
    expect(body.message).to.include('failed calling webhook "enforce.kube-harden.io"');
    expect(ms).to.be.within(TIMEOUT_MS / 2, 2 * TIMEOUT_MS);
  });
});
