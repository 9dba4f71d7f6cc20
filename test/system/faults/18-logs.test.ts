import { expect } from 'chai';
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { pod, podTemplate, requestOf, reviewOf, workload } from '../../admission/support/reviews.js';
import { json, status, type Answer } from '../../cluster/support/apiServer.js';
import { KubeHarden } from '../../e2e/support/kubeHarden.js';
import { RawConnection, call, eventually, get, outcome, pause, post, type Call } from '../support/clients.js';
import { NAMESPACES, emptyApiServer, namespaceObject, serveCluster } from './support/clusterProcess.js';
import { rawHead } from './support/rawRequest.js';
import { LONG, hardens, print, residentMiB, runFolder, serve } from './support/serveProcess.js';
import { serveWithStdout, type StdoutProcess } from './support/stdoutProcess.js';

/** In every place where a secret may stand, and in no name: names are logged. */
const SECRET = 'planted-7f3a9c51';
const ENCODED = encoded(SECRET);

const FLOOD = LONG ? 20_000 : 600;
/** Of one kind in ten seconds: ten, and one with how many more. */
const LINES_A_WINDOW = 11;
/** What varies is told apart a hundred times, and then no more. */
const KINDS = 100;
const TIMEOUT_MS = LONG ? 1_200_000 : 120_000;

/** A container that is told secrets in every way there is. */
const told = {
  name: 'web',
  image: 'registry.example/web:1',
  command: ['/web', `--password=${SECRET}`],
  args: [`--token=${SECRET}`],
  env: [{ name: 'PASSWORD', value: SECRET }],
  livenessProbe: {
    httpGet: { path: '/', port: 80, httpHeaders: [{ name: 'Authorization', value: SECRET }] },
  },
  lifecycle: { preStop: { exec: { command: ['curl', SECRET] } } },
};
const annotations = {
  'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ env: SECRET }),
  'kube-harden.io/mode': SECRET,
};
const secretObject = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'credentials', namespace: 'shop', annotations },
  data: { password: Buffer.from(SECRET).toString('base64') },
  stringData: { token: SECRET },
};
const userInfo = { username: 'jane', groups: [], extra: { 'authentication/token': [SECRET] } };

const good = pod({ containers: [told] }, { annotations });

/** Bodies of admission: answered, denied, refused, failed. */
const BODIES: Readonly<Record<string, string>> = {
  'a pod': reviewOf(requestOf(good, { userInfo })),
  'an update': reviewOf(requestOf(good, { operation: 'UPDATE', oldObject: good, userInfo })),
  'a template': reviewOf(requestOf(workload('Deployment', podTemplate({ containers: [told] })))),
  'a denied pod': reviewOf(
    requestOf(pod({ hostPID: true, containers: [{ ...told, securityContext: { privileged: true } }] })),
  ),
  'a Secret': reviewOf(requestOf(secretObject)),
  'a pod whose env is text': reviewOf(requestOf(pod({ containers: [{ ...told, env: SECRET }] }))),
  'a pod whose container is text': reviewOf(requestOf(pod({ containers: [SECRET] }))),
  'a pod whose securityContext is text': reviewOf(
    requestOf(pod({ containers: [told], securityContext: SECRET })),
  ),
  'a request that is text': reviewOf(SECRET),
  'no review': JSON.stringify(secretObject),
  'half a review': reviewOf(requestOf(good)).replace(SECRET, `${SECRET}"`).slice(0, -20),
  'no JSON': `password: ${SECRET}`,
  'bytes that are no text': `${SECRET}\u0000\ud800`,
};

const MANIFESTS: Readonly<Record<string, string>> = {
  'a manifest': JSON.stringify(good),
  'a Secret': JSON.stringify(secretObject),
  'broken YAML': `apiVersion: v1\nkind: Secret\nstringData:\n  token: "${SECRET}\n  other: [${SECRET}`,
  'a wrong type': JSON.stringify(pod({ containers: [{ ...told, env: SECRET }] })),
  'a list of everything': JSON.stringify({
    apiVersion: 'v1',
    kind: 'List',
    items: [good, secretObject, SECRET],
  }),
};

interface PlantedCaller {
  readonly it: string;
  readonly token: string;
  /** What the API server answers when it is asked who this is. */
  readonly review: (token: string) => Answer;
  /** What the preview answers. */
  readonly status: number;
}

/** As an API server answers: with the whole review, the token in it. */
function tokenReview(token: string, status: object): object {
  return { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token }, status };
}
function authenticated(username: string): PlantedCaller['review'] {
  const user = { username, groups: [], extra: { 'authentication.kubernetes.io/credential-id': [SECRET] } };
  return (token) => json(tokenReview(token, { authenticated: true, user }), 201);
}

/** Who asks the preview of a cluster, each with a token of its own. */
const CALLERS: readonly PlantedCaller[] = [
  { it: 'who is allowed', token: planted('allowed'), review: authenticated('allowed'), status: 200 },
  { it: 'who may not', token: planted('stranger'), review: authenticated('stranger'), status: 403 },
  {
    it: 'whose review fails',
    token: planted('failing'),
    // As a proxy that shows the beginning of what it was asked.
    review: (token) => status(500, `cannot pass on ${token.slice(0, -5)}`, 'InternalError'),
    status: 503,
  },
  {
    it: 'who is nobody',
    token: planted('nobody'),
    review: (token) => json(tokenReview(token, { authenticated: false, error: `invalid: ${token}` }), 201),
    status: 401,
  },
  {
    it: 'whose review is cut short',
    token: planted('garbage'),
    review: (token) => (res) => res.writeHead(201).end(JSON.stringify(tokenReview(token, {})).slice(0, -5)),
    status: 503,
  },
];

/** In the form of a service account's, the secret in each part of it. */
function planted(who: string): string {
  return [`${SECRET}-head`, `${SECRET}-${who}`, `${SECRET}-signature`].join('.');
}

describe('18. the log', () => {
  it('holds no environment value, token, key or body, at level debug, whatever is sent', async () => {
    const policies = runFolder.write('log-policies.yaml', denying('{action: Deny}'));
    const args = ['--log-level', 'debug', '--log-decisions', 'all', '--policy-file', policies];
    const server = await serve({ args });
    const { admissionPort: port, previewPort = 0 } = server;
    const authorization = `Bearer ${SECRET}`;
    const credentials = { authorization, cookie: `session=${SECRET}` };
    const options: Call = { headers: { 'content-type': 'application/json', ...credentials } };
    const statuses = new Set<number>();
    for (const body of Object.values(BODIES)) {
      for (const path of ['/mutate?timeout=5s', '/mutate/audit', '/elsewhere'])
        statuses.add((await post(port, body, options, path)).status);
      const plain = { headers: { ...credentials, 'content-type': 'text/plain' } };
      statuses.add((await post(port, body, plain)).status);
    }
    for (const body of Object.values(MANIFESTS)) {
      for (const type of ['application/yaml', 'text/plain', 'image/png']) {
        const headers = { ...credentials, 'content-type': type };
        statuses.add((await post(previewPort, body, { headers }, '/preview')).status);
      }
    }
    for (const path of ['/readyz', '/metrics', '/nothing'])
      statuses.add((await get(server.opsUrl + path)).status);
    await goneWithSecrets(port);
    // A policy that is broken is told with its reasons; that it is broken beside a secret does not tell the secret.
    writeFileSync(policies, `${denying('{action: Deny}')}# ${SECRET}\n  broken: [\n`);
    await server.log(/broken/, 10_000);

    const requests = 4 * Object.keys(BODIES).length + 3 * Object.keys(MANIFESTS).length + 9;
    expect(await server.stop()).to.deep.equal({ code: 0, signal: null });
    const text = server.text();
    const lines = server.logs();
    print(
      `${requests} requests, answered ${[...statuses].sort().join(', ')}; ${lines.length} lines, no secret in them`,
    );
    expect([...statuses]).to.include.members([200, 400, 404, 415]);
    expect(lines.filter(({ message }) => message === 'decision')).to.not.be.empty;
    expect(lines.filter(({ level }) => level === 'debug')).to.not.be.empty;
    expectNoSecret(text);
  });

  it("holds nothing of the certificate's Secret, however broken it comes", async () => {
    const api = await emptyApiServer();
    const key = { data: { 'tls.key': ENCODED, 'tls.crt': ENCODED, 'ca.key': SECRET } };
    const answers: Answer[] = [
      json({ ...secretObject, metadata: { name: 'kube-harden-certificates', resourceVersion: '1' }, ...key }),
      json({ data: key.data, kind: 'Secret' }),
      (res) => res.writeHead(200).end(`{"kind":"Secret",${JSON.stringify(key).slice(1, -5)}`),
      (res) => res.writeHead(500).end('<html>no backend</html>'),
      status(403, 'secrets "kube-harden-certificates" is forbidden', 'Forbidden'),
    ];
    let asked = 0;
    // A watch that fails is followed by a look at the Secret.
    api.intercept = ({ path, isWatch }) => {
      if (!path.includes('/secrets')) return undefined;
      return isWatch ? status(500, 'etcd is gone') : answers[asked++ % answers.length];
    };
    const token = runFolder.write('log-token', SECRET);
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      clusters: [
        { name: 'c', cluster: { server: `http://127.0.0.1:${api.port}`, 'insecure-skip-tls-verify': true } },
      ],
      users: [{ name: 'u', user: { tokenFile: token, token: SECRET } }],
    };
    const replica = await KubeHarden.start({
      name: 'log-secret',
      folder: runFolder,
      kubeconfig: runFolder.write('log.kubeconfig', JSON.stringify(config)),
      args: ['--log-level', 'debug'],
      waitReady: false,
    });
    await eventually(() => asked >= answers.length);
    await replica.kill();
    api.close();
    print(`${asked} answers of five kinds; ${replica.logs().length} lines, no secret in them`);
    expect(replica.logs().some(({ level }) => level !== 'info')).to.equal(true);
    expectNoSecret(replica.text());
  });

  it('holds no token of who asks the preview in a cluster: known or not, allowed or not, or not to be found out', async () => {
    const api = await emptyApiServer();
    api.put(NAMESPACES, namespaceObject('shop'));
    const reviewed = new Set<string>();
    api.intercept = ({ path, body }) => {
      const { spec } = (body ?? {}) as { spec?: { token?: string; user?: string } };
      if (path.endsWith('/subjectaccessreviews'))
        return json({ spec, status: { allowed: spec?.user === 'allowed' } }, 201);
      const caller = CALLERS.find(({ token }) => token === spec?.token);
      if (!path.endsWith('/tokenreviews') || !caller) return undefined;
      reviewed.add(caller.it);
      return caller.review(caller.token);
    };
    const server = await serveCluster(api.port, {
      args: ['--log-level', 'debug', '--log-decisions', 'all'],
    });
    for (const { it: who, token, status: expected } of CALLERS) {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/yaml' };
      const preview = server.previewPort ?? 0;
      const replies = [
        await post(preview, JSON.stringify(good), { headers }, '/preview?namespace=shop'),
        await call(preview, '/api/rules?namespace=shop', { headers }),
      ];
      expect(
        replies.map((reply) => reply.status),
        who,
      ).to.deep.equal([expected, expected]);
      // Refused for its type, with a line at level debug.
      expect((await post(server.admissionPort, '{}', { headers })).status).to.equal(415);
    }
    expect(await hardens(server)).to.equal(true);
    expect(await server.stop()).to.deep.equal({ code: 0, signal: null });
    api.close();

    expect([...reviewed]).to.deep.equal(CALLERS.map(({ it: who }) => who));
    expect(server.logs().filter(({ level }) => level === 'debug')).to.not.be.empty;
    const outages = server.logs().filter(({ message }) => message.startsWith('preview callers refused'));
    print(
      `${reviewed.size} tokens reviewed, ${outages.length} outages told; ${server.logs().length} lines, no token in them`,
    );
    // Each of those whose review fails comes after one whose does not: one line for an outage.
    expect(outages).to.have.length(CALLERS.filter(({ status: expected }) => expected === 503).length);
    expectNoSecret(server.text(), [SECRET, ...CALLERS.map(({ token }) => token)]);
  });

  /** What somebody may send again and again. */
  const agent = new Agent({ keepAlive: true, maxSockets: 20 });
  after(() => agent.destroy());
  const floods: Record<string, (server: KubeHarden) => Promise<string>> = {
    'a body of another type': ({ admissionPort }) =>
      outcome(post(admissionPort, '{}', { agent, headers: { 'content-type': 'text/plain' } })),
    'a path of its own each time': ({ admissionPort }) =>
      outcome(post(admissionPort, '{', { agent, headers: {} }, `/mutate?timeout=${Math.random()}`)),
    'a handshake without TLS 1.2': async ({ admissionPort }) => {
      const connection = await RawConnection.open(admissionPort, {
        minVersion: 'TLSv1',
        maxVersion: 'TLSv1.1',
      });
      return connection.untilClosed();
    },
  };
  it(`says what comes ${FLOOD} times ten times, and how often more`, async function () {
    this.timeout(TIMEOUT_MS);
    const server = await serve({ args: ['--log-level', 'debug'] });
    for (const [what, send] of Object.entries(floods)) {
      const before = server.logs().length;
      const began = performance.now();
      for (let sent = 0; sent < FLOOD; sent += 20)
        await Promise.all(Array.from({ length: 20 }, () => send(server)));
      const windows = 1 + Math.ceil((performance.now() - began) / 10_000);
      const most = windows * (LINES_A_WINDOW + (what.includes('each time') ? KINDS : 0));
      const lines = server.logs().length - before;
      print(`${what}, ${FLOOD} times: ${lines} lines`);
      expect(lines, what).to.be.within(1, most);
    }
    expect(await hardens(server)).to.equal(true);
    await server.stop();
    const counted = server.logs().reduce((sum, line) => sum + Number(line['repeated'] ?? 0), 0);
    const written = server
      .logs()
      .filter(({ level, repeated }) => level === 'debug' && repeated === undefined);
    print(`${counted} more were counted`);
    expect(counted + written.length).to.equal(Object.keys(floods).length * FLOOD);
  });

  const outputs: Record<string, string> = {
    'on a full disk': '>/dev/full',
    'closed from the start': '>&-',
    'read by nobody any more': '> >(head -c 1 >/dev/null)',
  };
  for (const [what, redirection] of Object.entries(outputs)) {
    it(`${what}: service goes on, and ends with 0`, async () => {
      const server = await serveWithStdout(`stdout-${Object.keys(outputs).indexOf(what)}`, redirection);
      const answered = await useAll(server, 300);
      process.kill(server.process.pid, 'SIGTERM');
      const { code } = await server.process.exited;
      print(`${what}: ${answered} answered, exit ${String(code)}`);
      expect(answered).to.equal(300);
      expect(readFileSync(server.logFile, 'utf8')).to.equal('');
      expect(code).to.equal(0);
    });
  }

  it('read by somebody who hangs: memory is bounded, service goes on, and ends with 0', async function () {
    this.timeout(TIMEOUT_MS);
    const server = await serveWithStdout('stdout-hangs', '> >(exec sleep 1000)');
    await useAll(server, 500);
    const before = residentMiB(server.process).now;
    // Each decision's line has about 3 KB: twice what is kept.
    const requests = LONG ? 100_000 : 4500;
    const answered = await useAll(server, requests);
    const after = residentMiB(server.process).now;
    print(`${answered} answered; resident ${before} MiB before, ${after} MiB after`);
    expect(answered).to.equal(requests);
    // What is kept is held as text and as bytes, and the garbage collector takes its time.
    expect(after - before).to.be.below(80);
    process.kill(server.process.pid, 'SIGTERM');
    expect(await server.process.exited).to.deep.equal({ code: 0, signal: null });
  });
});

/** So many reviews; of the first thousand half are refused and logged. @returns how many got what is theirs */
async function useAll({ admissionPort }: StdoutProcess, requests: number): Promise<number> {
  let answered = 0;
  let sent = 0;
  const name = 'n'.repeat(253);
  const review = reviewOf(requestOf(pod({}, { name, namespace: name }), { uid: 'u'.repeat(2500) }));
  const client = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (sent < requests) {
      sent += 1;
      const isHealthy = sent > 1000 || sent % 2 === 0;
      const reply = isHealthy
        ? post(admissionPort, review, { agent })
        : post(admissionPort, '{}', { agent, headers: { 'content-type': 'text/plain' } });
      if ((await outcome(reply)) === (isHealthy ? '200' : '415')) answered += 1;
    }
    agent.destroy();
  };
  await Promise.all(Array.from({ length: 10 }, client));
  return answered;
}

/** Clients that go away in the middle of a body or a header, or are no HTTP at all. */
async function goneWithSecrets(port: number): Promise<void> {
  for (const bytes of [
    `${rawHead(`Authorization: Bearer ${SECRET}\r\nContent-Length: 1000`)}{"password":"${SECRET}`,
    `${rawHead(`Transfer-Encoding: chunked`)}${SECRET}\r\n`,
    `GET ${SECRET} ${SECRET}\r\n\r\n`,
  ]) {
    const connection = await RawConnection.open(port);
    connection.write(bytes);
    await pause(50);
    connection.destroy();
  }
  for (const method of ['GET', 'DELETE', 'PUT']) {
    await call(port, '/mutate', { method, headers: { authorization: `Bearer ${SECRET}` } });
  }
}

function denying(settings: string): string {
  return [
    'apiVersion: kube-harden.io/v1alpha1',
    'kind: HardeningPolicy',
    'metadata: {name: default}',
    'spec:',
    '  rules:',
    `    privileged: ${settings}`,
    '',
  ].join('\n');
}

/** Without the padding, which is not there where more follows. */
function encoded(text: string): string {
  return Buffer.from(text).toString('base64').replace(/=+$/, '');
}

/** Neither as they are nor in base64. */
function expectNoSecret(text: string, secrets: readonly string[] = [SECRET]): void {
  for (const form of secrets.flatMap((secret) => [secret, encoded(secret)])) {
    const at = text.indexOf(form);
    expect(at === -1 ? '' : text.slice(Math.max(0, at - 300), at + 100), 'of the log').to.equal('');
  }
}
