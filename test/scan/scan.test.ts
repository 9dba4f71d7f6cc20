import { expect } from 'chai';
import type { ApiObject } from '../../src/cluster/apiClient.js';
import { ApiError } from '../../src/cluster/apiError.js';
import { LivePlans } from '../../src/cluster/livePlans.js';
import { BUILTIN_POLICIES } from '../../src/policy/builtin.generated.js';
import type { NamespaceReport, ScanReport } from '../../src/scan/report.js';
import { scanCluster, type ScanOptions } from '../../src/scan/scan.js';
import { FakeCluster, listed, namespace, podSpec, templated, type Objects } from './fakeCluster.js';

async function scan(
  objects: Objects,
  options: Partial<ScanOptions> & { refuses?: (path: string) => boolean } = {},
): Promise<ScanReport & { asked: readonly string[] }> {
  const { refuses, ...rest } = options;
  const api = new FakeCluster({ namespaces: [namespace('shop')], ...objects }, refuses);
  const clock = (): number => 0;
  const plans = await LivePlans.open(api, { base: BUILTIN_POLICIES, own: [], clock });
  const report = await scanCluster({
    api,
    server: 'https://example.invalid',
    plans,
    contextNamespace: 'shop',
    whole: false,
    clock,
    ...rest,
  });
  return { ...report, asked: api.asked };
}

function names({ namespaces }: ScanReport): string[] {
  return namespaces.flatMap(({ workloads }) => workloads.map(({ kind, name }) => `${kind}/${name}`));
}

function only({ namespaces }: ScanReport): NamespaceReport {
  const [first, ...more] = namespaces;
  if (first === undefined || more.length > 0) throw new Error(`${namespaces.length} namespaces`);
  return first;
}

const RUNNING = { status: { phase: 'Running' } };

describe('scanning a cluster', () => {
  describe('counts by who makes the pods', () => {
    const TABLE: readonly (readonly [what: string, objects: Objects, found: readonly string[]])[] = [
      [
        'a Deployment, and not its ReplicaSets and pods',
        {
          deployments: [listed('Deployment', 'web', templated(1))],
          replicasets: [listed('ReplicaSet', 'web-1', templated(1), { owner: 'Deployment/web' })],
          pods: [listed('Pod', 'web-1-x', podSpec(), { owner: 'ReplicaSet/web-1' })],
        },
        ['Deployment/web'],
      ],
      [
        'a CronJob, and not its Jobs',
        {
          cronjobs: [listed('CronJob', 'nightly', { jobTemplate: { spec: templated(1) } })],
          jobs: [listed('Job', 'nightly-1', templated(1), { owner: 'CronJob/nightly' })],
          pods: [listed('Pod', 'nightly-1-x', podSpec(), { owner: 'Job/nightly-1' })],
        },
        ['CronJob/nightly'],
      ],
      [
        'what nobody owns under its own name',
        {
          jobs: [listed('Job', 'once', templated(1))],
          pods: [listed('Pod', 'bare', podSpec())],
          replicasets: [listed('ReplicaSet', 'alone', templated(1))],
          replicationcontrollers: [listed('ReplicationController', 'old', templated(1))],
        },
        ['Job/once', 'Pod/bare', 'ReplicaSet/alone', 'ReplicationController/old'],
      ],
      [
        'a controller that is not known once, by its ReplicaSets or its pods',
        {
          replicasets: [
            listed('ReplicaSet', 'web-1', templated(0), { owner: 'Rollout/web' }),
            listed('ReplicaSet', 'web-2', templated(2), { owner: 'Rollout/web' }),
          ],
          pods: [
            listed('Pod', 'web-2-x', podSpec(), { owner: 'ReplicaSet/web-2' }),
            listed('Pod', 'kafka-0', podSpec(), { owner: 'StrimziPodSet/kafka' }),
            listed('Pod', 'kafka-1', podSpec(), { owner: 'StrimziPodSet/kafka' }),
          ],
        },
        ['Rollout/web', 'StrimziPodSet/kafka'],
      ],
    ];
    for (const [what, objects, found] of TABLE) {
      it(what, async () => expect(names(await scan(objects))).to.deep.equal(found));
    }

    it('pods of one owner that get something else are told apart, those that get the same are not', async () => {
      const owner = 'PodSet/kafka';
      const hardened = { securityContext: { readOnlyRootFilesystem: true } };
      const { workloads } = only(
        await scan({
          pods: [
            listed('Pod', 'kafka-0', podSpec(), { owner }),
            listed('Pod', 'kafka-1', podSpec(), { owner }),
            listed('Pod', 'zookeeper-0', podSpec(hardened), { owner }),
          ],
        }),
      );
      expect(
        workloads.map(({ replicas, results }) => [replicas, results.map(({ name }) => name)]),
      ).to.deep.equal([[3, ['kafka-0', 'zookeeper-0']]]);
    });

    describe('pods whose ReplicaSet or Job was not seen count for its maker', () => {
      const ofReplicaSet = [1, 2].map((n) =>
        listed('Pod', `web-5d4-${n}`, podSpec(), {
          owner: 'ReplicaSet/web-5d4',
          labels: { 'pod-template-hash': '5d4' },
        }),
      );
      const ofJob = listed('Pod', 'nightly-29400000-x', podSpec(), { owner: 'Job/nightly-29400000' });
      const deployments = [listed('Deployment', 'web', templated(2))];
      const cronjobs = [listed('CronJob', 'nightly', { jobTemplate: { spec: templated(1) } })];

      it('a ReplicaSet that may not be listed', async () => {
        const refuses = (path: string): boolean => path.endsWith('/replicasets');
        const report = only(await scan({ deployments, pods: ofReplicaSet }, { refuses }));
        expect(report.workloads.map(({ kind, name, replicas }) => [kind, name, replicas])).to.deep.equal([
          ['Deployment', 'web', 2],
        ]);
        const whole = only(
          await scan({
            deployments,
            replicasets: [listed('ReplicaSet', 'web-5d4', templated(2), { owner: 'Deployment/web' })],
            pods: ofReplicaSet,
          }),
        );
        expect(report.added).to.deep.equal(whole.added);
      });

      it('a Job that was made after the Jobs were listed', async () => {
        expect(names(await scan({ cronjobs, pods: [ofJob] }))).to.deep.equal(['CronJob/nightly']);
      });

      it('also where that is not selected', async () => {
        const report = await scan(
          { deployments, cronjobs, pods: [...ofReplicaSet, ofJob] },
          { selects: () => false },
        );
        expect(names(report)).to.deep.equal([]);
      });

      it('but not where there is none of that name', async () => {
        expect(names(await scan({ pods: [...ofReplicaSet, ofJob] }))).to.deep.equal([
          'Job/nightly-29400000',
          'ReplicaSet/web-5d4',
        ]);
      });
    });

    it('leaves out pods that have ended, and mirror pods', async () => {
      const report = await scan({
        pods: [
          { ...listed('Pod', 'done', podSpec()), status: { phase: 'Succeeded' } },
          listed('Pod', 'etcd', podSpec(), {
            annotations: { 'kubernetes.io/config.mirror': 'x' },
            owner: 'Node/a',
          }),
        ],
      });
      expect(names(report)).to.deep.equal([]);
      expect(report.leftOut).to.deep.equal({ finishedPods: 1, mirrorPods: 1 });
    });

    it('a Deployment that a controller owns is told as its pods are hardened, though the webhook passes over it', async () => {
      const report = await scan({
        deployments: [listed('Deployment', 'web', templated(1), { owner: 'Platform/shop' })],
      });
      const [workload] = only(report).workloads;
      expect(workload).to.deep.include({ kind: 'Deployment', controlledBy: 'Platform/shop' });
      expect(workload?.results[0]?.changes).to.not.be.empty;
    });
  });

  it('chooses by the labels of the workload, not of its pods', async () => {
    const report = await scan(
      {
        deployments: [
          listed('Deployment', 'web', templated(1), { labels: { team: 'a' } }),
          listed('Deployment', 'api', templated(1)),
        ],
        pods: [listed('Pod', 'api-x', podSpec(), { owner: 'Deployment/api', labels: { team: 'a' } })],
      },
      { selects: (labels) => labels?.['team'] === 'a' },
    );
    expect(names(report)).to.deep.equal(['Deployment/web']);
  });

  it('reads pages of 500, and tells how far it is', async () => {
    const deployments = Array.from({ length: 1200 }, (_, index) =>
      listed('Deployment', `web-${index}`, templated(1)),
    );
    const seen: unknown[] = [];
    const progress = (resource: string, ...far: unknown[]): void => {
      if (resource === 'deployments') seen.push(far);
    };
    const report = await scan({ deployments }, { progress });
    expect(only(report).workloads).to.have.length(1200);
    expect(seen).to.deep.equal([
      [500, 700],
      [1000, 200],
      [1200, undefined],
    ]);
  });

  describe('what would be added', () => {
    const web = listed('Deployment', 'web', templated(3));
    const TABLE: readonly (readonly [what: string, objects: Objects, cpu: string | undefined])[] = [
      ['as often as there are replicas', { deployments: [web] }, '300m'],
      [
        'not to pods that have requests already, of the webhook or of a LimitRange',
        {
          deployments: [web],
          pods: [
            listed('Pod', 'web-1', podSpec({ resources: { requests: { cpu: '50m' } } }), {
              owner: 'Deployment/web',
            }),
          ],
        },
        '200m',
      ],
      [
        'to pods that are there without',
        { deployments: [web], pods: [listed('Pod', 'web-1', podSpec(), { owner: 'Deployment/web' })] },
        '300m',
      ],
      [
        'not to what is scaled to nothing',
        { deployments: [listed('Deployment', 'web', templated(0))] },
        undefined,
      ],
      [
        'not to a Job that has ended',
        {
          jobs: [
            {
              ...listed('Job', 'once', templated(1)),
              status: { conditions: [{ type: 'Complete', status: 'True' }] },
            },
          ],
        },
        undefined,
      ],
      [
        'to as many pods of a Job as run at a time',
        { jobs: [listed('Job', 'once', { ...templated(1), parallelism: 5, completions: 2 })] },
        '200m',
      ],
      [
        'not to a CronJob that is suspended',
        { cronjobs: [listed('CronJob', 'nightly', { suspend: true, jobTemplate: { spec: templated(1) } })] },
        undefined,
      ],
      [
        'to a DaemonSet once for each node that it goes to',
        {
          daemonsets: [
            { ...listed('DaemonSet', 'agent', templated(1)), status: { desiredNumberScheduled: 4 } },
          ],
        },
        '400m',
      ],
    ];
    for (const [what, objects, cpu] of TABLE) {
      it(what, async () => expect(only(await scan(objects)).added['requests.cpu']).to.equal(cpu));
    }

    it('beside the quotas: what would no longer fit speaks against enforce', async () => {
      const quota = (name: string, hard: object, used: object, more: object = {}): ApiObject => ({
        ...listed('ResourceQuota', name, { hard, ...more }),
        status: { used },
      });
      const report = await scan(
        {
          deployments: [listed('Deployment', 'web', templated(3))],
          resourcequotas: [
            quota('small', { cpu: '1', pods: '10' }, { cpu: '800m' }),
            quota('large', { 'limits.memory': '2Gi' }, { 'limits.memory': '512Mi' }),
          ],
        },
        { policy: 'default' },
      );
      const { quotas, against } = only(report);
      expect(quotas).to.deep.equal([
        {
          quota: 'small',
          resource: 'requests.cpu',
          hard: '1',
          used: '800m',
          added: '300m',
          exceeded: true,
          scoped: false,
        },
        {
          quota: 'large',
          resource: 'limits.memory',
          hard: '2Gi',
          used: '512Mi',
          added: '1536Mi',
          exceeded: false,
          scoped: false,
        },
      ]);
      expect(against.filter(({ kind }) => kind === 'quota').map(({ message }) => message)).to.deep.equal([
        'small: requests.cpu has 800m of 1 in use, and 300m would be added',
      ]);
    });

    it('beside the nodes that take pods, with what all pods of the cluster ask for', async () => {
      const node = (name: string, cpu: string, spec: object = {}): ApiObject => ({
        metadata: { name },
        spec,
        status: { allocatable: { cpu, memory: '4Gi' } },
      });
      const report = await scan({
        deployments: [listed('Deployment', 'web', templated(3))],
        pods: [
          listed('Pod', 'dns', podSpec({ resources: { requests: { cpu: '1800m' } } }), {
            namespace: 'kube-system',
          }),
        ],
        nodes: [node('a', '2'), node('closed', '8', { unschedulable: true })],
      });
      expect(report.nodes?.count).to.equal(1);
      expect(report.nodes?.resources).to.deep.equal([
        { resource: 'requests.cpu', allocatable: '2', requested: '1800m', added: '300m', exceeded: true },
        { resource: 'requests.memory', allocatable: '4Gi', requested: '0', added: '384Mi', exceeded: false },
      ]);
      expect(only(report).against.at(-1)).to.deep.equal({
        kind: 'nodes',
        message: 'requests.cpu: all nodes have 2, of which 1800m are in use, and 300m would be added',
      });
    });
  });

  describe('whether a namespace could go to enforce today', () => {
    const AGENT = podSpec({ securityContext: { privileged: true } });
    const TABLE: readonly (readonly [
      what: string,
      labels: Readonly<Record<string, string>>,
      spec: Record<string, unknown>,
      verdict: string,
      against: readonly string[],
    ])[] = [
      ['yes, where only low risks are', { 'kube-harden.io/policy': 'baseline' }, podSpec(), 'ready', []],
      [
        'not yet, where programs may break',
        {},
        podSpec(),
        'not yet',
        [
          'high risk runAsUser',
          'high risk readOnlyRootFilesystem',
          'medium risk runAsNonRoot',
          'medium risk capabilities',
          'medium risk resources',
        ],
      ],
      [
        'it is there',
        { 'kube-harden.io/mode': 'enforce', 'kube-harden.io/policy': 'baseline' },
        AGENT,
        'enforced',
        [],
      ],
    ];
    for (const [what, labels, spec, verdict, against] of TABLE) {
      it(what, async () => {
        const report = only(
          await scan({
            namespaces: [namespace('shop', labels)],
            deployments: [listed('Deployment', 'web', templated(1, spec))],
          }),
        );
        expect(report.verdict).to.equal(verdict);
        expect(report.against.map(({ kind, rule }) => `${kind} ${rule ?? ''}`)).to.deep.equal(against);
      });
    }

    it('not yet, where a policy refuses a workload', async () => {
      const policy: ApiObject = {
        apiVersion: 'kube-harden.io/v1alpha1',
        kind: 'HardeningPolicy',
        metadata: { name: 'strict', generation: 1, uid: '1', resourceVersion: '1' },
        spec: { rules: { privileged: { action: 'Deny' }, resources: { action: 'Disabled' } } },
      };
      const report = await scan(
        { hardeningpolicies: [policy], deployments: [listed('Deployment', 'agent', templated(1, AGENT))] },
        { policy: 'strict' },
      );
      expect(only(report).policy).to.equal('strict');
      expect(only(report).against[0]).to.deep.equal({
        kind: 'denied',
        rule: 'privileged',
        workloads: 1,
        message: 'privileged refuses Deployment/agent',
      });
    });
  });

  it('never looks into what is never touched, and says so', async () => {
    const report = await scan({
      namespaces: [namespace('kube-system', { 'kube-harden.io/mode': 'enforce' }), namespace('shop')],
      deployments: [
        listed('Deployment', 'dns', templated(1), { namespace: 'kube-system' }),
        listed('Deployment', 'web', templated(1)),
      ],
    });
    expect(names(report)).to.deep.equal(['Deployment/web']);
    expect(report.neverTouched).to.deep.equal(['kube-system']);
    const alone = await scan({ namespaces: [namespace('kube-system')] }, { namespaces: ['kube-system'] });
    expect([alone.namespaces, alone.neverTouched]).to.deep.equal([[], ['kube-system']]);
    expect(alone.asked.filter((path) => path.includes('kube-system'))).to.deep.equal([]);
  });

  describe('where not everything may be read', () => {
    const OBJECTS: Objects = {
      namespaces: [namespace('billing'), namespace('shop')],
      deployments: [
        listed('Deployment', 'web', templated(1)),
        listed('Deployment', 'ledger', templated(1), { namespace: 'billing' }),
      ],
      pods: [{ ...listed('Pod', 'bare', podSpec()), ...RUNNING }],
    };
    const isClusterWide = (path: string): boolean =>
      /\/(?:deployments|statefulsets|daemonsets|cronjobs|replicasets|replicationcontrollers|jobs|pods|limitranges|resourcequotas)$/.test(
        path,
      ) && !path.includes('/namespaces/');

    it('goes from namespace to namespace, and names those that it may not look into', async () => {
      const refuses = (path: string): boolean => isClusterWide(path) || path.includes('/namespaces/billing');
      const report = await scan(OBJECTS, { refuses });
      expect(names(report)).to.deep.equal(['Deployment/web', 'Pod/bare']);
      expect(report.missing).to.deep.equal([
        'namespace billing: none of its workloads may be read: no rights: /apis/apps/v1/namespaces/billing/deployments',
      ]);
      expect(report.nodes).to.equal(null);
    });

    it('names the resources of a namespace, which then is not ready', async () => {
      const refuses = (path: string): boolean => /\/(?:cronjobs|jobs)$/.test(path);
      const report = only(await scan(OBJECTS, { refuses, policy: 'baseline', namespaces: ['shop'] }));
      expect([report.verdict, report.against]).to.deep.equal([
        'not yet',
        [{ kind: 'not read', message: 'cronjobs, jobs could not be read' }],
      ]);
    });

    it('a Deployment that may not be read is known by its ReplicaSet', async () => {
      const report = await scan(
        { replicasets: [listed('ReplicaSet', 'web-1', templated(2), { owner: 'Deployment/web' })] },
        { refuses: (path) => path.endsWith('/deployments') },
      );
      expect(names(report)).to.deep.equal(['Deployment/web']);
      expect(report.missing).to.have.length(1);
    });

    it('a namespace whose labels may not be read is judged as one without, and told', async () => {
      const refuses = (path: string): boolean => path === '/api/v1/namespaces/shop';
      const report = await scan(OBJECTS, { refuses, namespaces: ['shop'] });
      expect(only(report)).to.include({ mode: null, policy: 'default', verdict: 'not yet' });
      expect(report.missing).to.deep.equal([
        'namespace shop: its labels and limits are not known (no rights: /api/v1/namespaces/shop): judged as one without any',
      ]);
    });

    it('where the names of namespaces may not be listed: that of the context', async () => {
      const refuses = (path: string): boolean => path === '/api/v1/namespaces' || isClusterWide(path);
      const report = await scan(OBJECTS, { refuses });
      expect(names(report)).to.deep.equal(['Deployment/web', 'Pod/bare']);
      expect(report.missing).to.deep.equal([
        'all namespaces but shop: they may not be listed (no rights: /api/v1/namespaces); name those that you may read: -n NAME,NAME',
      ]);
    });
  });

  it('a policy that has never loaded: the namespace is not judged, and named', async () => {
    const policy: ApiObject = {
      apiVersion: 'kube-harden.io/v1alpha1',
      kind: 'HardeningPolicy',
      metadata: { name: 'broken', generation: 1, uid: '1', resourceVersion: '1' },
      spec: { rules: { privilegd: {} } },
    };
    const report = await scan({
      namespaces: [namespace('shop', { 'kube-harden.io/policy': 'broken' })],
      hardeningpolicies: [policy],
      deployments: [listed('Deployment', 'web', templated(1))],
    });
    expect(report.namespaces).to.deep.equal([]);
    expect(report.missing[0]).to.match(/^namespace shop cannot be judged: policy "broken" has never loaded/);
  });

  it('an object that cannot be judged is named, and the others are told', async () => {
    const report = await scan({
      deployments: [
        listed('Deployment', 'odd', templated(1, { containers: 'none' })),
        listed('Deployment', 'web', templated(1)),
      ],
    });
    expect(names(report)).to.deep.equal(['Deployment/web']);
    expect(report.missing).to.have.length(1);
    expect(report.missing[0]).to.match(
      /^Deployment shop\/odd cannot be judged: spec\.template\.spec\.containers: /,
    );
  });

  for (const priorityClassName of ['system-node-critical', 'system-cluster-critical'])
    it(`what is ${priorityClassName} speaks against enforce: kube-harden may need it to start`, async () => {
      const report = only(
        await scan(
          {
            daemonsets: [listed('DaemonSet', 'network', templated(1, { ...podSpec(), priorityClassName }))],
            deployments: [
              listed('Deployment', 'web', templated(1, { ...podSpec(), priorityClassName: 'high' })),
            ],
          },
          { policy: 'baseline' },
        ),
      );
      expect(
        report.against.filter(({ kind }) => kind === 'cold start').map(({ message }) => message),
      ).to.deep.equal([
        `DaemonSet/network is ${priorityClassName}: should kube-harden need it to start, neither could after an outage of both`,
      ]);
      expect(report.verdict).to.equal('not yet');
    });

  it('never judges the namespace in which the webhook configuration has kube-harden', async () => {
    const configuration: ApiObject = {
      metadata: { name: 'kube-harden' },
      webhooks: [{ name: 'enforce.kube-harden.io', clientConfig: { service: { namespace: 'security' } } }],
    };
    const report = await scan({
      namespaces: [namespace('security'), namespace('kube-harden')],
      mutatingwebhookconfigurations: [configuration],
      deployments: [
        listed('Deployment', 'server', templated(1), { namespace: 'security' }),
        listed('Deployment', 'web', templated(1), { namespace: 'kube-harden' }),
      ],
    });
    expect(names(report)).to.deep.equal(['Deployment/web']);
  });

  it('other answers than 403 end it', async () => {
    const api = new FakeCluster({});
    const plans = await LivePlans.open(api, { base: BUILTIN_POLICIES, own: [], clock: () => 0 });
    const expired = new ApiError(401, 'Unauthorized', 'Unauthorized');
    const options = {
      plans,
      server: '',
      contextNamespace: 'a',
      whole: false,
      clock: () => 0,
    };
    const error: unknown = await scanCluster({
      ...options,
      api: { request: () => Promise.reject(expired) },
    }).catch((thrown: unknown) => thrown);
    expect(error).to.equal(expired);
  });
});
