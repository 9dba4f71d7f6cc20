import { expect } from 'chai';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { CommandError } from '../../src/cli/commandError.js';
import { runDoctor, type DoctorFlags } from '../../src/cli/doctor.js';
import type { ApiObject } from '../../src/cluster/apiClient.js';
import type { ApiError } from '../../src/cluster/apiError.js';
import type { DoctorReport } from '../../src/doctor/report.js';
import { FakeCluster, listed, namespace, podSpec, templated, type Objects } from '../scan/fakeCluster.js';

const ENFORCED = namespace('shop', { 'kube-harden.io/mode': 'enforce' });
/** As the manifests make it, but for the address: no Service is looked for. */
const WEBHOOK = {
  metadata: { name: 'kube-harden' },
  webhooks: [
    { name: 'enforce.kube-harden.io', clientConfig: { url: 'https://127.0.0.1:8443/mutate/enforce' } },
  ],
};
const LOG = /\/pods\/([^/]+)\/log$/;

/** Answers the request for a log. */
type LogAnswer = (pod: string, response: ServerResponse, query: URLSearchParams) => void;

interface Answer {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

function withStatus(pod: ApiObject, status: object): ApiObject {
  return { ...pod, status };
}

function crashing(name: string, more: object = {}): ApiObject {
  const ended = { terminated: { exitCode: 1, reason: 'Error', containerID: 'containerd://a' } };
  return withStatus(
    listed('Pod', name, podSpec({ securityContext: { readOnlyRootFilesystem: true } }), more),
    {
      phase: 'Running',
      containerStatuses: [
        {
          name: 'main',
          ready: false,
          restartCount: 4,
          state: {
            waiting: { reason: 'CrashLoopBackOff', message: 'back-off 1m20s restarting failed container' },
          },
          lastState: ended,
        },
      ],
    },
  );
}

function running(name: string, more: object = {}): ApiObject {
  return withStatus(listed('Pod', name, podSpec(), more), {
    phase: 'Running',
    containerStatuses: [
      { name: 'main', ready: true, restartCount: 0, state: { running: {} }, lastState: {} },
    ],
  });
}

describe('kube-harden doctor', function () {
  this.timeout(60_000);
  let folder = '';
  let servers: Server[] = [];
  let asked: string[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kube-harden-doctor-'));
    asked = [];
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    servers = [];
  });

  /** A kubeconfig for an API server that holds these objects. */
  async function clusterOf(
    objects: Objects,
    log: LogAnswer = (_pod, response) => response.end(''),
    refuses?: (path: string) => boolean,
  ): Promise<string> {
    const cluster = new FakeCluster(
      { namespaces: [ENFORCED], mutatingwebhookconfigurations: [WEBHOOK], ...objects },
      refuses,
    );
    const server = createServer((request, response) => {
      const url = new URL(request.url ?? '', 'http://127.0.0.1');
      asked.push(url.pathname);
      const pod = LOG.exec(url.pathname)?.[1];
      if (pod !== undefined && refuses?.(url.pathname) !== true) {
        log(pod, response, url.searchParams);
        return;
      }
      cluster.request('GET', url.pathname, { query: Object.fromEntries(url.searchParams) }).then(
        (body) => response.end(JSON.stringify(body)),
        (error: unknown) => {
          const { status, message } = error as ApiError;
          response.writeHead(status).end(JSON.stringify({ kind: 'Status', code: status, message }));
        },
      );
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return kubeconfigAt((server.address() as AddressInfo).port);
  }

  function kubeconfigAt(port: number): string {
    const path = join(folder, 'kubeconfig');
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}` } }],
      users: [{ name: 'u', user: { token: 'a' } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: 'shop' } }],
      'current-context': 'x',
    };
    writeFileSync(path, JSON.stringify(config));
    return path;
  }

  async function run(target: string | undefined, flags: DoctorFlags): Promise<Answer> {
    let [out, err] = ['', ''];
    const status = await runDoctor(target, flags, {
      stdout: (text) => void (out += text),
      stderr: (text) => void (err += text),
      stdin: () => Promise.reject(new Error('nothing is read')),
      colour: false,
      showsProgress: false,
    });
    return { status, out, err };
  }

  async function report(
    target: string | undefined,
    flags: DoctorFlags,
  ): Promise<DoctorReport & { status: number }> {
    const { status, out } = await run(target, { ...flags, output: 'json' });
    return { ...(JSON.parse(out) as DoctorReport), status };
  }

  async function problemOf(target: string | undefined, flags: DoctorFlags): Promise<string> {
    const error = await run(target, flags).catch((reason: unknown) => reason);
    if (!(error instanceof CommandError)) throw new Error('it was answered');
    expect(error.exitCode).to.equal(2);
    return error.lines.join('\n');
  }

  describe('wrong input', () => {
    const TABLE: readonly (readonly [
      target: string | undefined,
      flags: DoctorFlags,
      line: string | RegExp,
    ])[] = [
      [
        'web',
        {},
        'there is no pod "web" in namespace shop; a workload is named with its kind, as deploy/web',
      ],
      ['deploy/web', {}, 'there is no deployment "web" in namespace shop'],
      ['deplyo/web', {}, /^deplyo\/web: "deplyo" is no kind of workload \(.*; did you mean "deploy"\?$/],
      ['podtemplate/web', {}, 'podtemplate/web: no pod comes from a PodTemplate by itself'],
      ['pod/a/b', {}, 'pod/a/b: "a/b" is not an object\'s name (a-z, 0-9, - and .)'],
      ['web', { allNamespaces: true }, '-A asks for all namespaces, and web is in one: give -n instead'],
      [
        undefined,
        { allNamespaces: true, namespace: 'shop' },
        '-n and -A contradict each other: name a namespace, or ask for all',
      ],
      [undefined, { namespace: 'Shop' }, /^--namespace: /],
      [undefined, { namespace: 'shpo' }, '--namespace: there is no namespace "shpo"'],
      [undefined, { policyFile: '/not/there' }, '--policy-file: /not/there: there is no such file or folder'],
      [undefined, { requestTimeout: 'soon' }, '--request-timeout: "soon" is no duration; write 30s or 1m'],
    ];
    for (const [target, flags, line] of TABLE) {
      it(`${target ?? ''} ${JSON.stringify(flags)}`, async () => {
        const kubeconfig = await clusterOf({});
        const said = await problemOf(target, { kubeconfig, ...flags });
        if (typeof line === 'string') expect(said).to.equal(line);
        else expect(said).to.match(line);
      });
    }

    it('no cluster', async () => {
      const kubeconfig = kubeconfigAt(1);
      expect(await problemOf(undefined, { kubeconfig })).to.match(
        /^http:\/\/127\.0\.0\.1:1 cannot be reached: nothing listens there/,
      );
      expect(await problemOf(undefined, { kubeconfig: '/not/there' })).to.match(
        /^kubeconfig: \/not\/there: no such file/,
      );
    });
  });

  describe('ends with', () => {
    const ROFS: LogAnswer = (_pod, response) => response.end('open /data/x: Read-only file system\n');
    const APPLIED = {
      annotations: {
        'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({
          apiVersion: 'v1',
          kind: 'Pod',
          spec: podSpec(),
        }),
      },
    };

    it('0 where all is well, in one line that says what was looked at', async () => {
      const kubeconfig = await clusterOf({ pods: [running('web-0'), running('web-1')] });
      expect(await run(undefined, { kubeconfig })).to.deep.equal({
        status: 0,
        out: 'namespace shop: 2 pods, 2 logs read. Nothing is broken.\n',
        err: '',
      });
    });

    it('1 where a rule did it', async () => {
      const kubeconfig = await clusterOf({ pods: [crashing('web-0', APPLIED)] }, ROFS);
      const { status, diagnoses } = await report('web-0', { kubeconfig });
      expect(status).to.equal(1);
      expect(diagnoses[0]?.findings[0]).to.include({ rule: 'readOnlyRootFilesystem', certainty: 'likely' });
    });

    it('0 where it is broken for another reason, which is said', async () => {
      const kubeconfig = await clusterOf({ pods: [crashing('web-0', APPLIED)] }, (_pod, response) =>
        response.end('panic: index out of range\n'),
      );
      const { status, out } = await run('web-0', { kubeconfig });
      expect(status).to.equal(0);
      expect(out).to.include('not hardening: ');
      expect(out).to.include('1 object broken for another reason');
    });

    it('2 where nothing was found, and a log may not be read', async () => {
      const kubeconfig = await clusterOf(
        { pods: [crashing('web-0', APPLIED), crashing('web-1', APPLIED)] },
        ROFS,
        (path) => LOG.test(path),
      );
      const { status, missing } = await report(undefined, { kubeconfig });
      expect(status).to.equal(2);
      expect(missing.filter((line) => line.startsWith('the logs of namespace shop: '))).to.have.length(1);
    });
  });

  describe("goes by the author's value, whatever our annotation says", () => {
    const ROFS: LogAnswer = (_pod, response) => response.end('open /data/x: Read-only file system\n');
    const READ_ONLY = { securityContext: { readOnlyRootFilesystem: true } };
    const MARK = { 'kube-harden.io/changed': 'readOnlyRootFilesystem' };
    const own = (object: ApiObject, kind: string, name: string): ApiObject => ({
      ...object,
      metadata: {
        ...object.metadata,
        ownerReferences: [{ apiVersion: 'apps/v1', kind, name, uid: `${kind}/${name}`, controller: true }],
      },
    });
    const replicaSet = (container: object, annotations: Readonly<Record<string, string>> = {}): ApiObject =>
      own(
        listed('ReplicaSet', 'web-5d4', templated(1, podSpec(container)), { annotations }),
        'Deployment',
        'web',
      );
    const deployment = (container: object, annotations: Readonly<Record<string, string>>): ApiObject =>
      listed('Deployment', 'web', templated(1, podSpec(container)), { annotations });
    const applied = (container: object): Readonly<Record<string, string>> => ({
      'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        spec: templated(1, podSpec(container)),
      }),
    });
    const pod = (annotations: Readonly<Record<string, string>> = {}): ApiObject =>
      own(crashing('web-5d4-x', { annotations }), 'ReplicaSet', 'web-5d4');

    const TABLE: readonly (readonly [what: string, objects: Objects, certainty: string | undefined])[] = [
      [
        'a pod without it that differs from its template',
        { pods: [pod()], replicasets: [replicaSet({})] },
        'likely',
      ],
      [
        'a pod that bears it and is as its template',
        { pods: [pod(MARK)], replicasets: [replicaSet(READ_ONLY)] },
        undefined,
      ],
      [
        'a pod of a template that was hardened: as the Deployment was last applied',
        {
          pods: [pod()],
          replicasets: [replicaSet(READ_ONLY, MARK)],
          deployments: [deployment(READ_ONLY, { ...MARK, ...applied({}) })],
        },
        'likely',
      ],
      [
        'the same where the author had written it',
        {
          pods: [pod(MARK)],
          replicasets: [replicaSet(READ_ONLY, MARK)],
          deployments: [deployment(READ_ONLY, { ...MARK, ...applied(READ_ONLY) })],
        },
        undefined,
      ],
      ['a pod whose controller is gone', { pods: [pod(MARK)] }, 'possible'],
      [
        'a bare pod of which nobody knows',
        { pods: [crashing('web-5d4-x', { annotations: MARK })] },
        'possible',
      ],
    ];
    for (const [what, objects, certainty] of TABLE) {
      it(`${what}: ${certainty ?? 'nothing is blamed'}`, async () => {
        const kubeconfig = await clusterOf(objects, ROFS);
        const { diagnoses } = await report('web-5d4-x', { kubeconfig });
        const found = diagnoses[0]?.findings.find(({ rule }) => rule === 'readOnlyRootFilesystem');
        expect(found?.certainty).to.equal(certainty);
      });
    }
  });

  it('prints the same as JSON and as YAML', async () => {
    const kubeconfig = await clusterOf({ pods: [crashing('web-0')] });
    const json = await run('web-0', { kubeconfig, output: 'json' });
    const yaml = await run('web-0', { kubeconfig, output: 'yaml' });
    expect(parse(yaml.out)).to.deep.equal(JSON.parse(json.out));
  });

  it('finds the pods of every kind of workload by their owners, not by their labels alone', async () => {
    const owned = (kind: string, name: string, owner?: string): ApiObject =>
      listed(kind, name, templated(1), owner === undefined ? {} : { owner });
    const objects: Objects = {
      deployments: [owned('Deployment', 'web')],
      replicasets: [owned('ReplicaSet', 'web-a', 'Deployment/web'), owned('ReplicaSet', 'alone')],
      statefulsets: [owned('StatefulSet', 'db')],
      daemonsets: [owned('DaemonSet', 'agent')],
      cronjobs: [owned('CronJob', 'nightly')],
      jobs: [owned('Job', 'nightly-1', 'CronJob/nightly'), owned('Job', 'once')],
      replicationcontrollers: [owned('ReplicationController', 'old')],
      pods: [
        running('web-a-1', { owner: 'ReplicaSet/web-a' }),
        running('alone-1', { owner: 'ReplicaSet/alone' }),
        running('db-0', { owner: 'StatefulSet/db' }),
        running('agent-1', { owner: 'DaemonSet/agent' }),
        running('nightly-1-1', { owner: 'Job/nightly-1' }),
        running('once-1', { owner: 'Job/once' }),
        running('old-1', { owner: 'ReplicationController/old' }),
      ],
    };
    const kubeconfig = await clusterOf(objects);
    const expected: Readonly<Record<string, string>> = {
      'deploy/web': 'web-a-1',
      'rs/alone': 'alone-1',
      'sts/db': 'db-0',
      'ds/agent': 'agent-1',
      'cronjob/nightly': 'nightly-1-1',
      'job/once': 'once-1',
      'rc/old': 'old-1',
      'pod/db-0': 'db-0',
      'db-0': 'db-0',
    };
    for (const [target, pod] of Object.entries(expected)) {
      const { diagnoses } = await report(target, { kubeconfig });
      expect(
        diagnoses.map(({ object }) => object),
        target,
      ).to.deep.equal([`pod/${pod}`]);
    }
  });

  it('a pod that is deleted while its log is asked for is told as it was', async () => {
    const kubeconfig = await clusterOf({ pods: [crashing('web-0')] }, (pod, response) =>
      response.writeHead(404).end(JSON.stringify({ kind: 'Status', message: `pods "${pod}" not found` })),
    );
    const { diagnoses } = await report('web-0', { kubeconfig });
    expect(diagnoses[0]).to.deep.include({
      state: 'broken',
      missing: ['its logs: it was deleted meanwhile'],
    });
  });

  it('a node that does not answer is waited for once, and named', async () => {
    const on = (pod: ApiObject, node: string): ApiObject => ({
      ...pod,
      spec: { ...(pod['spec'] as object), nodeName: node },
    });
    const pods = Array.from({ length: 20 }, (_, index) =>
      on(crashing(`web-${index}`), index < 19 ? 'lost' : 'well'),
    );
    let waited = 0;
    const kubeconfig = await clusterOf({ pods }, (pod, response) => {
      if (pod === 'web-19') response.end('fine\n');
      else waited += 1;
    });
    const { missing, lookedAt } = await report(undefined, { kubeconfig, requestTimeout: '300ms' });
    // Those that were asked for at the same time.
    expect(waited).to.be.at.most(8);
    expect(lookedAt.pods).to.equal(20);
    expect(
      missing.filter((line) => line.startsWith('the logs of pods on node lost: no answer')),
    ).to.have.length(1);
  });

  it('never blames a pod for what it writes in a terminal', async () => {
    const kubeconfig = await clusterOf({ pods: [crashing('web-0')] }, (_pod, response) =>
      response.end('open /data/\u001b[2J\u202e: Read-only file system\n'),
    );
    const { out } = await run('web-0', { kubeconfig });
    expect(out).to.not.match(/[\u001b\u202e]/);
  });

  it('10,000 pods: lists them in pages, reads few logs, and says how many it left out', async () => {
    const pods = Array.from({ length: 10_000 }, (_, index) =>
      index % 10 === 0
        ? crashing(`web-${index}`, { owner: `ReplicaSet/web-${index % 100}` })
        : running(`web-${index}`, { owner: `ReplicaSet/web-${index % 100}` }),
    );
    const kubeconfig = await clusterOf({ pods });
    const began = performance.now();
    const { lookedAt, status } = await report(undefined, { kubeconfig, allNamespaces: true });
    const logs = asked.filter((path) => LOG.test(path)).length;
    console.log(
      `      ${logs} logs of 10,000 pods in ${Math.round(performance.now() - began)} ms, ${asked.length} requests`,
    );
    expect(lookedAt).to.deep.equal({ pods: 10_000, logs, podsWithoutLogs: 10_000 - logs });
    expect(asked.filter((path) => path.endsWith('/pods'))).to.have.length(20);
    expect(logs).to.be.at.most(10 * 10 + 90 * 2);
    expect(status).to.equal(0);
  });
});
