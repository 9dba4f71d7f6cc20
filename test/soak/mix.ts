import { randomUUID } from 'node:crypto';
import { Agent } from 'node:https';
import type { KubeHarden } from '../e2e/support/kubeHarden.js';
import { pod, podTemplate, requestOf, responseOf, reviewOf, workload } from '../admission/support/reviews.js';
import { podReview } from '../bench/review.js';
import { manyManifests } from '../preview/support/manyManifests.js';
import { RawConnection, get, outcome, post, type Reply } from '../system/support/clients.js';
import { rawHead } from '../system/faults/support/rawRequest.js';
import type { SoakNamespace } from './world.js';

/** What is asked again and again, and the status that each gets; `closed` gets none. */
type Kind = (replica: KubeHarden, agent: Agent, namespace: SoakNamespace) => Promise<string>;

const plainText = { headers: { 'content-type': 'text/plain' } };
const yaml = { headers: { 'content-type': 'application/yaml' } };
const small = podReview(2);
const large = podReview(30);
const privileged = pod({
  containers: [{ name: 'web', image: 'web:1', securityContext: { privileged: true } }],
});
const running = pod();
const debugged = pod({ ephemeralContainers: [{ name: 'debug', image: 'busybox' }] });
const manifest = `apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, image: web}]}\n`;

/** Large enough for the thread of the previews. */
const manifests = manyManifests('documents', 20_000).replaceAll(/namespace: team-\d+/g, 'namespace: shop');

/** A review, and whether a patch is the right answer in a namespace of that mode; undefined where the policy decides. */
const review =
  (body: (namespace: string) => string, isPatched: (mode: string) => boolean | undefined): Kind =>
  async ({ admissionPort }, agent, { name, mode }) => {
    const reply = await post(admissionPort, body(name), { agent });
    if (reply.status !== 200) return String(reply.status);
    const { uid, operations } = responseOf({ body: reply.text });
    if (uid === '') return '200 without its uid';
    const expected = isPatched(mode);
    if (expected === undefined || expected === operations.length > 0) return '200';
    return `200 with ${operations.length} operations in mode ${mode}`;
  };
const inEnforce = (mode: string): boolean => mode === 'enforce';
const never = (): boolean => false;
const inNamespace = (text: string) => (namespace: string) => text.replaceAll('"shop"', `"${namespace}"`);

/** How often each of a hundred requests is of a kind, what it gets, and how it is asked. */
const KINDS: readonly (readonly [share: number, expected: string, kind: Kind])[] = [
  [52, '200', review(inNamespace(small), inEnforce)],
  [
    3,
    '200',
    review(
      (namespace) =>
        reviewOf(
          requestOf(debugged, {
            operation: 'UPDATE',
            subResource: 'ephemeralcontainers',
            oldObject: running,
            namespace,
          }),
        ),
      inEnforce,
    ),
  ],
  [8, '200', review(inNamespace(large), inEnforce)],
  // Denied by one of the policies, at times.
  [
    8,
    '200',
    review(
      (namespace) => reviewOf(requestOf(privileged, { namespace })),
      () => undefined,
    ),
  ],
  // `templates: Warn`
  [
    8,
    '200',
    review((namespace) => reviewOf(requestOf(workload('Deployment', podTemplate()), { namespace })), never),
  ],
  [4, '400', review(() => '{"kind":"AdmissionReview"', never)],
  [4, '415', ({ admissionPort }, agent) => outcome(post(admissionPort, '{}', { agent, ...plainText }))],
  [3, '404', ({ admissionPort }, agent) => outcome(post(admissionPort, '{}', { agent }, '/elsewhere'))],
  // Without a token: whoever asks the preview is asked who they are.
  [
    1,
    '401',
    ({ previewPort = 0 }, agent) => outcome(post(previewPort, manifest, { agent, ...yaml }, '/preview')),
  ],
  // Each time somebody else's.
  [1, '200', (replica, agent) => outcome(preview(replica, agent, manifest))],
  [1, '200', (replica, agent) => outcome(preview(replica, agent, manifests))],
  // A connection of its own for each.
  [4, '200', ({ admissionPort }) => outcome(post(admissionPort, small))],
  [2, 'closed', ({ admissionPort }) => goneMidBody(admissionPort)],
  [1, '200', ({ opsUrl }) => outcome(get(`${opsUrl}/readyz`))],
];

const TURNS = KINDS.flatMap(([share, expected, kind]) =>
  Array.from({ length: share }, () => ({ expected, kind })),
);

function preview({ previewPort = 0 }: KubeHarden, agent: Agent, body: string): Promise<Reply> {
  const headers = { ...yaml.headers, authorization: `Bearer ${randomUUID()}` };
  return post(previewPort, body, { agent, headers }, '/preview?namespace=shop');
}

async function goneMidBody(port: number): Promise<string> {
  const connection = await RawConnection.open(port);
  connection.write(`${rawHead('Content-Length: 1000')}{"kind":`);
  connection.destroy();
  return 'closed';
}

/** Clients that ask a mix of everything, at most so many a second, until they are stopped. */
export class Mix {
  answered = 0;
  readonly wrong: string[] = [];
  private sent = 0;
  private stopped = false;
  private readonly began = performance.now();
  private readonly clients: readonly Promise<void>[];

  constructor(
    private readonly replica: KubeHarden,
    private readonly options: {
      readonly connections: number;
      readonly perSecond: number;
      /** One of those that exist now. */
      readonly namespace: () => SoakNamespace;
    },
  ) {
    this.clients = Array.from({ length: options.connections }, () => this.run());
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.clients);
  }

  private async run(): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!this.stopped) {
      const due = this.began + (this.sent * 1000) / this.options.perSecond;
      this.sent += 1;
      // A prime step, so that what is alike does not come in a row.
      const turn = TURNS[(this.sent * 37) % TURNS.length];
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
      if (turn === undefined) continue;
      const got = await turn.kind(this.replica, agent, this.options.namespace()).catch(String);
      if (got === turn.expected) this.answered += 1;
      else this.wrong.push(`${got} instead of ${turn.expected}`);
    }
    agent.destroy();
  }
}
