import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fastJsonPatch, { type Operation } from 'fast-json-patch';
import { expect } from 'chai';
import { decide } from '../../src/admission/decide.js';
import type { KubernetesObject } from '../../src/admission/types.js';
import { runExplain, type ExplainOptions } from '../../src/cli/explain.js';
import type { LiveAnswer, LiveResult } from '../../src/cli/livePreview.js';
import { runPreview, type PreviewOptions } from '../../src/cli/preview.js';
import type { Explanation } from '../../src/preview/explain.js';
import { planOf, pod, requestOf, workload } from '../admission/support/reviews.js';

interface Answer {
  readonly status?: number;
  readonly body: unknown;
  readonly warnings?: readonly string[];
}

const POLICIES = 'GET /apis/kube-harden.io/v1alpha1/hardeningpolicies';
const WEBHOOKS = 'GET /apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
const PODS = 'POST /api/v1/namespaces/shop/pods';
const POD = 'GET /api/v1/namespaces/shop/pods/web';
const ENFORCE = { labels: { 'kube-harden.io/mode': 'enforce' } };

function failure(status: number, message: string, reason = 'Forbidden'): Answer {
  return { status, body: { kind: 'Status', status: 'Failure', code: status, reason, message } };
}

const listOf = (...items: object[]): Answer => ({ body: { items } });

/** What the webhook makes of an object, and what the API server tells of it. */
function hardened(object: KubernetesObject): Required<Pick<Answer, 'body' | 'warnings'>> {
  const decision = decide(requestOf(object), planOf(''));
  const copy = structuredClone(object);
  const patch = decision.patch as Operation[];
  const body = fastJsonPatch.applyPatch(copy, structuredClone(patch), true, false).newDocument;
  return { body, warnings: decision.warnings };
}

/** The same as it may have been sent: without what a cluster wrote, and the name the request's own. */
function hardenedPod(change: (pod: PodObject) => void = () => undefined): (sent: KubernetesObject) => Answer {
  return (sent) => {
    const { body, warnings } = hardened(sent);
    change(body as PodObject);
    return { body, warnings };
  };
}

interface PodObject {
  metadata: { annotations: Record<string, string> };
  spec: { containers: Record<string, unknown>[] };
}

describe('a cluster from the command line', () => {
  let dir: string;
  let server: Server;
  let asked: string[];
  let answers: Map<string, Answer | ((sent: KubernetesObject) => Answer)>;
  const home = process.cwd();

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'live-'));
    process.chdir(dir);
    asked = [];
    answers = new Map<string, Answer | ((sent: KubernetesObject) => Answer)>([
      ['GET /version', { body: { major: '1', minor: '36' } }],
      [POLICIES, listOf()],
      ['GET /api/v1/namespaces/shop', { body: { metadata: { name: 'shop', ...ENFORCE } } }],
      ['GET /api/v1/namespaces/shop/limitranges', listOf()],
      ['GET /api/v1/namespaces/shop/resourcequotas', listOf()],
      [
        'POST /apis/authentication.k8s.io/v1/selfsubjectreviews',
        { body: { status: { userInfo: { username: 'jane', groups: [] } } } },
      ],
      [WEBHOOKS, listOf()],
      [PODS, hardenedPod()],
    ]);
    server = createServer((request, response) => {
      void textOf(request).then((text) => {
        const called = `${request.method ?? ''} ${(request.url ?? '').split('?')[0] ?? ''}`;
        asked.push(`${request.method ?? ''} ${request.url ?? ''}`);
        const found = answers.get(called) ?? failure(404, `${called} not found`, 'NotFound');
        const answer = typeof found === 'function' ? found(JSON.parse(text) as KubernetesObject) : found;
        const headers = (answer.warnings ?? []).map((text) => `299 - "${text.replaceAll(/["\\]/g, '\\$&')}"`);
        response.statusCode = answer.status ?? 200;
        response.setHeader('warning', headers);
        response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
      });
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    writeFileSync(
      'config',
      JSON.stringify({
        clusters: [{ name: 'c', cluster: { server: url } }],
        users: [{ name: 'u', user: { token: 't' } }],
        contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: 'shop' } }],
        'current-context': 'x',
      }),
    );
  });
  afterEach(() => {
    process.chdir(home);
    server.closeAllConnections();
    server.close();
    rmSync(dir, { recursive: true });
  });

  async function textOf(request: IncomingMessage): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString('utf8');
  }

  interface Ran {
    readonly status: number;
    readonly out: string;
    readonly err: string;
  }

  async function run(
    call: (io: Parameters<typeof runPreview>[1]) => Promise<number>,
    stdin = '',
  ): Promise<Ran> {
    let [out, err] = ['', ''];
    const status = await call({
      stdout: (text) => void (out += text),
      stderr: (text) => (err += text),
      stdin: () => Promise.resolve(Buffer.from(stdin)),
      colour: false,
    });
    return { status, out, err };
  }

  const explain = (target: string, rule?: string, options: ExplainOptions = {}): Promise<Ran> =>
    run((io) => runExplain(target, rule, { kubeconfig: 'config', ...options }, io));

  async function explained(target: string): Promise<Explanation> {
    const { out, err } = await explain(target, undefined, { output: 'json' });
    const [first] = out === '' ? [] : (JSON.parse(out) as { results: Explanation[] }).results;
    if (!first) throw new Error(`nothing explained: ${err}`);
    return first;
  }

  const live = (object: object, options: PreviewOptions = {}): Promise<Ran> =>
    run(
      (io) => runPreview({ filename: ['-'], live: true, kubeconfig: 'config', ...options }, io),
      JSON.stringify(object),
    );

  async function answerTo(object: object): Promise<LiveAnswer> {
    const { out, err } = await live(object, { output: 'json' });
    const [first] = out === '' ? [] : (JSON.parse(out) as { results: LiveResult[] }).results;
    const [answer] = first?.live ?? [];
    if (!answer) throw new Error(`nothing answered: ${err}`);
    return answer;
  }

  function expectOneLine({ status, out, err }: Ran, line: RegExp): void {
    expect({ status, out }).to.deep.equal({ status: 2, out: '' });
    expect(err).to.match(line);
    expect(err.trimEnd().split('\n')).to.have.length(1);
  }

  describe('explain KIND/NAME', () => {
    beforeEach(() => void answers.set(POD, { body: pod() }));

    it('reads the namespace of the context, and the version of the cluster', async () => {
      const { status, out } = await explain('pod/web', 'seccompProfile');
      expect(status).to.equal(1);
      expect(out).to.match(
        /^cluster Pod shop\/web\n {2}policy {8}default, mode enforce\n {2}outcome {7}patched: it runs as it is/,
      );
      expect(out).to.include('(v1.36)\n').and.include('built-in policy default: spec.rules.seccompProfile');
    });

    const UNREADABLE: readonly (readonly [what: string, answer: Answer, line: RegExp])[] = [
      [
        '401',
        failure(401, 'Unauthorized', 'Unauthorized'),
        /credentials \(Unauthorized\): .*log in again\n$/,
      ],
      ['403', failure(403, 'pods "web" is forbidden'), / forbids it: pods "web" is forbidden\n$/],
      ['404', failure(404, 'pods "web" not found', 'NotFound'), /: pods "web" not found\n$/],
      [
        'a proxy that answers',
        { status: 502, body: '<html>Bad Gateway</html>' },
        /: <html>Bad Gateway<\/html>\n$/,
      ],
    ];
    for (const [what, answer, line] of UNREADABLE) {
      it(`one line, exit 2: the object cannot be read: ${what}`, async () => {
        answers.set(POD, answer);
        expectOneLine(await explain('pod/web'), line);
      });
      it(`one line, exit 2: nothing can be read: ${what}`, async () => {
        for (const key of answers.keys()) answers.set(key, answer);
        expectOneLine(await explain('pod/web'), line);
      });
    }

    it('one line, exit 2: the namespace may not be read, or its policy does not load', async () => {
      answers.set('GET /api/v1/namespaces/shop', failure(403, 'namespaces "shop" is forbidden'));
      expectOneLine(await explain('pod/web'), / forbids it: namespaces "shop" is forbidden\n$/);
      answers.set('GET /api/v1/namespaces/shop', { body: { metadata: { name: 'shop', ...ENFORCE } } });
      const policy = { apiVersion: 'kube-harden.io/v1alpha1', kind: 'HardeningPolicy' };
      const broken = { ...policy, metadata: { name: 'default' }, spec: { rules: { sshdd: {} } } };
      answers.set(POLICIES, listOf(broken));
      expectOneLine(await explain('pod/web'), /^policy "default" has never loaded: .*sshdd/);
    });

    it('one line, exit 2: flags that have no meaning, a server that is not there', async () => {
      expectOneLine(await explain('pod/web', undefined, { namespacesFile: 'x' }), /^--namespaces-file: /);
      expectOneLine(
        await explain('pod/web', undefined, { context: 'y' }),
        /there is no context "y"; it has x\n$/,
      );
      expectOneLine(
        await explain('pod/web', undefined, { server: 'http://127.0.0.1:1' }),
        / cannot be reached: /,
      );
      expectOneLine(
        await explain('pod/web', undefined, { policy: 'nowhere' }),
        /^--policy: "nowhere" is not one of /,
      );
      expectOneLine(await explain('pod/web', 'sshdd'), /^there is no rule "sshdd"; did you mean "sshd"\?\n$/);
    });

    it('what exists as a file is one', async () => {
      mkdirSync('pod');
      writeFileSync('pod/web', JSON.stringify(pod()));
      expectOneLine(
        await explain('pod/web'),
        /^--kubeconfig: no cluster is asked about pod\/web, which is a file or folder\n$/,
      );
      const { out } = await run((io) => runExplain('pod/web', 'sshd', {}, io));
      expect(out).to.match(/^pod\/web#0 Pod shop\/web\n/);
      expect(asked).to.deep.equal([]);
    });

    it('says what may not be read, and goes by what may', async () => {
      answers.set(POLICIES, failure(403, 'hardeningpolicies is forbidden'));
      answers.set('GET /api/v1/namespaces/shop/limitranges', failure(403, 'limitranges is forbidden'));
      const { status, err } = await explain('pod/web');
      expect(status).to.equal(1);
      expect(err.trimEnd().split('\n')).to.deep.equal([
        'warning: not everything could be read: hardeningpolicies of the cluster: hardeningpolicies is forbidden',
        'warning: not everything could be read: limitranges of namespace shop: limitranges is forbidden',
      ]);
    });

    it('--policy-file is over the policies of the cluster, and its lines are named', async () => {
      const policy = { apiVersion: 'kube-harden.io/v1alpha1', kind: 'HardeningPolicy' };
      const spec = (action: string): object => ({ rules: { sshd: { action } } });
      answers.set(POLICIES, listOf({ ...policy, metadata: { name: 'default' }, spec: spec('Deny') }));
      const of = async (options: ExplainOptions): Promise<string> =>
        (await explain('pod/web', 'sshd', options)).out.replaceAll(/\s+/g, ' ');
      expect(await of({})).to.include(
        'in force Deny, HardeningPolicy default (cluster): spec.rules.sshd.action',
      );
      const own = { ...policy, metadata: { name: 'default' }, spec: spec('Disabled') };
      writeFileSync('policy.yaml', JSON.stringify(own, null, 1));
      expect(await of({ policyFile: 'policy.yaml' })).to.include('in force Disabled, policy.yaml:10: ');
    });

    const OWNER = {
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: '1', controller: true },
      ],
    };
    const OWNED = (): object => hardened(pod({}, OWNER)).body as object;
    const STATEFUL_SET = 'GET /apis/apps/v1/namespaces/shop/statefulsets/db';

    it('a hardened pod: what its controller’s template says', async () => {
      answers.set(POD, { body: OWNED() });
      answers.set(STATEFUL_SET, {
        body: workload('StatefulSet', {
          spec: { containers: [{ name: 'web', image: 'registry.example/web:1' }] },
        }),
      });
      const { comparedWith, rules } = await explained('pod/web');
      expect(comparedWith).to.equal('the template of StatefulSet web');
      const changes = rules.flatMap((rule) => rule.changes);
      expect(changes.length).to.be.above(10);
      for (const { running, after, before } of changes) {
        expect(running).to.deep.equal(after);
        expect(before).to.equal(null);
      }
    });

    it('names a container that another webhook has added, and finds the author’s where it is now', async () => {
      const running = OWNED() as PodObject;
      running.spec.containers.unshift({ name: 'proxy', image: 'proxy' });
      answers.set(POD, { body: running });
      answers.set(STATEFUL_SET, { body: workload('StatefulSet') });
      const { warnings, rules } = await explained('pod/web');
      expect(warnings).to.deep.equal([
        'container "proxy" is not what the author wrote, and not told of here',
      ]);
      for (const { running: value, after } of rules.flatMap(({ changes }) => changes))
        expect(value).to.deep.equal(after);
    });

    it('a hardened pod whose controller is gone or may not be read: that nothing is kept', async () => {
      answers.set(POD, { body: OWNED() });
      for (const answer of [failure(404, 'gone', 'NotFound'), failure(403, 'forbidden')]) {
        answers.set(STATEFUL_SET, answer);
        expect((await explained('pod/web')).notice).to.match(/^hardened already \(runAsNonRoot, /);
      }
      answers.set(STATEFUL_SET, failure(500, 'etcd is away', 'InternalError'));
      expectOneLine(await explain('pod/web'), /etcd is away\n$/);
    });

    const FORGED: readonly (readonly [what: string, text: string])[] = [
      ['no JSON', '{'],
      ['null', 'null'],
      ['another kind', JSON.stringify(workload('Deployment'))],
      ['wrong types', JSON.stringify(pod({ containers: 5 }))],
      ['no pod', JSON.stringify({ apiVersion: 'v1', kind: 'Pod' })],
    ];
    for (const [what, text] of FORGED) {
      it(`an annotation of kubectl's that holds ${what} is not believed`, async () => {
        const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': text };
        answers.set(POD, { body: hardened(pod({}, { annotations })).body });
        expect((await explained('pod/web')).comparedWith).to.equal(null);
      });
    }

    it('sends nothing but GET', async () => {
      await explain('pod/web');
      expect(asked.every((request) => request.startsWith('GET '))).to.equal(true);
      expect(asked.length).to.be.above(3);
    });
  });

  describe('preview --live', () => {
    it('asks for a dry run with no check of unknown fields, and finds it as predicted', async () => {
      const { status, out, err } = await live(pod());
      expect({ status, err }).to.deep.equal({ status: 1, err: '' });
      expect(out).to.match(
        /^stdin#0 Pod shop\/web\n {2}policy {8}default, mode enforce\n {2}the object {4}as predicted: sets \d+ /,
      );
      expect(asked.filter((request) => request.startsWith('POST /api/'))).to.deep.equal([
        `${PODS}?dryRun=All&fieldValidation=Ignore&fieldManager=kube-harden-preview`,
      ]);
    });

    it('leaves out what a cluster wrote into the object', async () => {
      let sent: KubernetesObject | undefined;
      answers.set(PODS, (object) => hardenedPod()((sent = object)));
      const metadata = {
        uid: '1',
        resourceVersion: '2',
        managedFields: [],
        creationTimestamp: 'x',
        generation: 3,
      };
      await live({ ...pod({}, metadata), status: { phase: 'Running' } });
      expect(sent).to.deep.equal(pod());
    });

    type Difference = readonly [
      rule: string | null,
      field: string | null,
      predicted: unknown,
      cluster: unknown,
    ];
    const DIFFERENT: readonly (readonly [what: string, change: (pod: PodObject) => void, Difference[]])[] = [
      [
        'a value that was set before',
        ({ spec }) =>
          Object.assign(spec.containers[0]?.['resources'] as object, {
            requests: { cpu: '5m', memory: '128Mi' },
          }),
        [['resources', 'spec.containers[0].resources.requests.cpu', '100m', '5m']],
      ],
      [
        'a field that was taken away again',
        ({ spec }) =>
          delete (spec.containers[0]?.['securityContext'] as Record<string, unknown>)['capabilities'],
        [['capabilities', 'spec.containers[0].securityContext.capabilities.drop', ['ALL'], null]],
      ],
      [
        'a rule that was not to be expected',
        ({ metadata }) =>
          Object.assign(metadata.annotations, {
            'kube-harden.io/changed': `${metadata.annotations['kube-harden.io/changed'] ?? ''}, hostUsers`,
          }),
        [['hostUsers', null, 'unchanged', 'changed']],
      ],
    ];
    for (const [what, change, differences] of DIFFERENT) {
      it(`says what differs: ${what}`, async () => {
        answers.set(PODS, hardenedPod(change));
        const answer = await answerTo(pod());
        expect(answer.verdict).to.equal('different');
        expect(
          answer.differences.map(({ rule, field, predicted, cluster }) => [rule, field, predicted, cluster]),
        ).to.deep.equal(differences);
        const { status, out } = await live(pod());
        expect(status).to.equal(1);
        expect(out)
          .to.include('  the object    different from what was predicted: ')
          .and.include('  differs       ');
      });
    }

    it('says what is left of a container that came after the webhook', async () => {
      answers.set(
        PODS,
        hardenedPod(({ spec }) => spec.containers.unshift({ name: 'proxy', image: 'proxy' })),
      );
      const { verdict, differences } = await answerTo(pod());
      expect(verdict).to.equal('different');
      const fields = differences.map(({ field }) => field);
      expect(fields).to.include('spec.containers[0].securityContext.allowPrivilegeEscalation');
      // Our own container has moved, and is as it was predicted.
      expect(fields.filter((field) => field?.startsWith('spec.containers[1]'))).to.deep.equal([]);
      expect(new Set(differences.map(({ because }) => because)).size).to.equal(1);
    });

    it('passes over what the API server and others add', async () => {
      answers.set(
        PODS,
        hardenedPod(({ spec, metadata }) => {
          Object.assign(spec, { dnsPolicy: 'ClusterFirst', tolerations: [{ key: 'a' }] });
          Object.assign(spec.containers[0] ?? {}, { terminationMessagePath: '/dev/termination-log' });
          metadata.annotations['injector'] = 'yes';
        }),
      );
      expect(await answerTo(pod())).to.include({ verdict: 'same' });
    });

    it('says where the webhook warns of something else, and passes over the warnings of others', async () => {
      answers.set(PODS, (sent) => {
        const { body, warnings } = hardened(sent);
        return {
          body,
          warnings: [
            'would violate PodSecurity "restricted:latest"',
            ...warnings.slice(1),
            'kube-harden set 1 field (sshd)',
          ],
        };
      });
      const { differences } = await answerTo(pod());
      expect(differences.map(({ cluster }) => cluster)).to.deep.equal(['kube-harden set 1 field (sshd)']);
    });

    const ABSENT: readonly (readonly [what: string, webhooks: Answer, reason: string])[] = [
      [
        'none is installed',
        listOf({ webhooks: [{ name: 'other.example' }] }),
        'no webhook of kube-harden is installed',
      ],
      [
        'it did not answer',
        listOf({ webhooks: [{ name: 'enforce.kube-harden.io' }] }),
        'the webhook is installed and did not answer: it failed under failurePolicy Ignore, or its selectors leave this namespace out',
      ],
      ['nobody may say', failure(403, 'forbidden'), 'nothing shows that the webhook was called'],
    ];
    for (const [what, webhooks, reason] of ABSENT) {
      it(`says that the webhook is not called: ${what}`, async () => {
        answers.set(PODS, (sent) => ({ body: sent }));
        answers.set(WEBHOOKS, webhooks);
        expect(await answerTo(pod())).to.include({ verdict: 'notCalled', reason });
        const { status, out } = await live(pod());
        expect(status).to.equal(1);
        expect(out.replaceAll(/\s+/g, ' '))
          .to.include(`the webhook is not called: ${reason}`)
          .and.to.not.include('differs');
      });
    }

    it('a name that is taken: asks again under another', async () => {
      const sent: KubernetesObject[] = [];
      answers.set(PODS, (object) => {
        sent.push(object);
        if (object.metadata?.name === undefined) return hardenedPod()(object);
        return failure(409, 'pods "web" already exists', 'AlreadyExists');
      });
      expect(await answerTo(pod())).to.include({ verdict: 'same', renamed: true });
      expect(sent.map(({ metadata }) => [metadata?.name, metadata?.['generateName']])).to.deep.equal([
        ['web', undefined],
        [undefined, 'web-'],
      ]);
    });

    it('compares a refusal of ours, and says so where nobody else was to refuse', async () => {
      const said = 'kube-harden refuses pod/web: 1 violation';
      const denial = (webhook: string): Answer =>
        failure(403, `admission webhook "${webhook}" denied the request: ${said}`);
      answers.set(PODS, denial('enforce.kube-harden.io'));
      const { verdict, differences } = await answerTo(pod());
      expect([verdict, differences.map(({ predicted, cluster }) => [predicted, cluster])]).to.deep.equal([
        'different',
        [['taken', said]],
      ]);
      answers.set(PODS, denial('enforce.not-kube-harden.io'));
      const { status, err } = await live(pod());
      expect(status).to.equal(2);
      expect(err).to.equal(
        `stdin#0 Pod shop/web: not compared: admission webhook "enforce.not-kube-harden.io" denied the request: ${said}\n`,
      );
    });

    it('one line, exit 2: credentials that have expired meanwhile', async () => {
      answers.set(PODS, failure(401, 'Unauthorized', 'Unauthorized'));
      expectOneLine(await live(pod()), /^http:\S+ does not know these credentials \(Unauthorized\): /);
    });

    it('an API server that does not say who asks', async () => {
      answers.delete('POST /apis/authentication.k8s.io/v1/selfsubjectreviews');
      expect(await answerTo(pod())).to.include({ verdict: 'same' });
    });

    it('an AdmissionReview, files that are wrong and flags that have no meaning: one line each, exit 2', async () => {
      const review = {
        apiVersion: 'admission.k8s.io/v1',
        kind: 'AdmissionReview',
        request: requestOf(pod()),
      };
      expectOneLine(await live(review), /^stdin: an AdmissionReview is no object that could be sent\n$/);
      expectOneLine(await live({ kind: 'Pod' }), /^stdin:1:1: apiVersion: is required\n$/);
      expectOneLine(
        await live(pod(), { output: 'yaml' }),
        /^-o yaml: with --live there is its own text, or -o json\n$/,
      );
      for (const flag of ['policy', 'policyFile', 'mode'] as const)
        expectOneLine(
          await live(pod(), { [flag]: 'x' }),
          /^--[-a-z]+: the cluster's webhook goes by .* --live\n$/,
        );
      expectOneLine(
        await live(pod(), { live: undefined }),
        /^--kubeconfig: no cluster is asked without --live\n$/,
      );
    });
  });
});
