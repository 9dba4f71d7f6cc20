import { Ajv } from 'ajv';
import { expect } from 'chai';
import { parseKubernetesYaml } from '../../src/policy/yaml.js';
import { LivePlans } from '../../src/cluster/livePlans.js';
import { BUILTIN_POLICIES } from '../../src/policy/builtin.generated.js';
import { scanSarif } from '../../src/cli/scanSarif.js';
import { scanJson, scanYaml, yamlDocuments } from '../../src/scan/documents.js';
import { scanMarkdown } from '../../src/scan/markdown.js';
import { policyReports } from '../../src/scan/policyReports.js';
import type { ScanReport } from '../../src/scan/report.js';
import { scanCluster } from '../../src/scan/scan.js';
import { scanTable } from '../../src/scan/table.js';
import { sarifProblems } from '../support/sarifSchema.js';
import { FakeCluster, listed, namespace, podSpec, templated, type Objects } from './fakeCluster.js';
import { POLICY_REPORT_SCHEMA } from './policyReportCrd.js';

const AGENT = {
  ...podSpec({ volumeMounts: [{ name: 'logs', mountPath: '/logs' }] }),
  volumes: [{ name: 'logs', hostPath: { path: '/var/log' } }],
};

const OBJECTS: Objects = {
  namespaces: [
    namespace('shop', { 'kube-harden.io/mode': 'audit' }),
    namespace('empty'),
    namespace('kube-system'),
  ],
  deployments: [listed('Deployment', 'web', templated(3))],
  daemonsets: [
    { ...listed('DaemonSet', 'agent', templated(1, AGENT)), status: { desiredNumberScheduled: 2 } },
  ],
  resourcequotas: [
    {
      ...listed('ResourceQuota', 'team', { hard: { 'limits.memory': '2Gi' } }),
      status: { used: { 'limits.memory': '0' } },
    },
  ],
  nodes: [{ metadata: { name: 'a' }, status: { allocatable: { cpu: '4', memory: '8Gi' } } }],
};

async function reportOf(
  objects: Objects = OBJECTS,
  refuses?: (path: string) => boolean,
): Promise<ScanReport> {
  const api = new FakeCluster(objects, refuses);
  const clock = (): number => 0;
  const plans = await LivePlans.open(api, { base: BUILTIN_POLICIES, own: [], clock });
  return scanCluster({
    api,
    server: 'https://example.invalid',
    plans,
    contextNamespace: 'default',
    whole: true,
    clock,
  });
}

describe('what a scan prints', () => {
  it('a table for each namespace, and what is to be said of all', async () => {
    expect(scanTable(await reportOf(), false)).to.equal(`namespace shop  (now: audit; policy default)
  WORKLOAD         PODS  POD SECURITY             HIGH  MEDIUM  LOW  VIOLATIONS
  DaemonSet/agent     2  privileged → privileged     3       4    2           0
  Deployment/web      3  baseline → restricted       7       6    2           0
  enforce today: not yet
    high risk: runAsUser would change Deployment/web
    high risk: readOnlyRootFilesystem would change 2 workloads
    medium risk: runAsNonRoot would change Deployment/web
    medium risk: capabilities would change Deployment/web
    medium risk: resources would change 2 workloads
    quota: team: limits.memory has 0 of 2Gi in use, and 2560Mi would be added
  blocked: hostPath volumes (volume "logs"): DaemonSet/agent
  would be added: requests.cpu 500m, requests.memory 640Mi, limits.cpu 5, limits.memory 2560Mi
  quota team: limits.memory: 2Gi hard, 0 in use, 2560Mi would be added: too much

Could go to enforce today: none
Not yet: shop (1)
In enforce already: none
Without workloads: empty (1)
Never touched, not counted: kube-system
Nodes (1): requests.cpu: 4 allocatable, 0 in use, 500m would be added
Nodes (1): requests.memory: 8Gi allocatable, 0 in use, 640Mi would be added
`);
  });

  it('the names in bold on a terminal, and nothing else', async () => {
    const report = await reportOf();
    const coloured = scanTable(report, true);
    expect(coloured).to.match(/^\u001b\[1mnamespace shop {2}\(.*\)\u001b\[0m\n/);
    expect(coloured.replaceAll(/\u001b\[[01]m/g, '')).to.equal(scanTable(report, false));
  });

  it('Markdown: the rules by risk, and what could not be read', async () => {
    const text = scanMarkdown(await reportOf(OBJECTS, (path) => path.endsWith('/nodes')));
    expect(text).to.include(
      '\n| `Deployment/web` | 3 | baseline → restricted | runAsUser, readOnlyRootFilesystem | runAsNonRoot, capabilities, resources | allowPrivilegeEscalation, seccompProfile |  |  |\n',
    );
    expect(text).to.include("\n- the nodes' allocatable resources: no rights: /api/v1/nodes\n");
  });

  it('JSON and YAML: the report as it is', async () => {
    const report = await reportOf();
    const json = [...scanJson(report)].join('');
    expect(JSON.parse(json)).to.deep.equal(JSON.parse(JSON.stringify(report)));
    const [document, ...more] = parseKubernetesYaml([...scanYaml(report)].join(''));
    expect(more).to.deep.equal([]);
    expect(document?.object).to.deep.equal(JSON.parse(json));
    const nothing = { ...report, namespaces: [] };
    expect(JSON.parse([...scanJson(nothing)].join(''))).to.deep.equal(nothing);
    expect(parseKubernetesYaml([...scanYaml(nothing)].join(''))[0]?.object).to.deep.equal(nothing);
  });

  it('YAML keeps every text a text, as Kubernetes reads it', () => {
    const names = [
      'on',
      'y',
      '1_000',
      '0x1f',
      '1e3',
      'null',
      '2020-01-01',
      '0b1',
      '0o7',
      '0x_',
      '1.5',
      '12',
      'TRUE',
    ];
    const others = [
      '.5',
      '~',
      '=',
      '<<',
      '12:30',
      '- x',
      'a: b',
      'é',
      '',
      ' a',
      '#',
      '*a',
      '&a',
      '!t',
      '%',
      '@',
      '`',
      '"',
    ].concat([
      "'",
      'a\nb',
      'a\n',
      '\t',
      '1.',
      '+1',
      '.inf',
      '._',
      '{',
      '[',
      ', ',
      '? a',
      '|',
      '>',
      '---',
      '...',
      '\u2028',
    ]);
    const keys = Object.fromEntries(names.map((name) => [name, name]));
    const [document] = parseKubernetesYaml(
      [...yamlDocuments([{ keys, texts: [...names, ...others] }])].join(''),
    );
    expect(document?.object).to.deep.equal({ keys, texts: [...names, ...others] });
  });

  it('SARIF: valid, each object under its path in the API', async () => {
    const log = JSON.parse(scanSarif(await reportOf())) as {
      runs: { results: { locations: { physicalLocation: { artifactLocation: { uri: string } } }[] }[] }[];
    };
    expect(sarifProblems(log)).to.deep.equal([]);
    const uris = log.runs[0]?.results.map(
      ({ locations }) => locations[0]?.physicalLocation.artifactLocation.uri,
    );
    expect([...new Set(uris)]).to.deep.equal([
      'apis/apps/v1/namespaces/shop/daemonsets/agent',
      'apis/apps/v1/namespaces/shop/deployments/web',
    ]);
  });

  describe('PolicyReports', () => {
    interface Report {
      readonly metadata: { readonly name: string; readonly namespace: string };
      readonly summary: Readonly<Record<string, number>>;
      readonly results: readonly {
        readonly rule: string;
        readonly result: string;
        readonly severity?: string;
        readonly resources: readonly { readonly name: string }[];
      }[];
    }

    it('one a namespace, valid, a result for each rule and workload that does not pass', async () => {
      const reports = policyReports(await reportOf(), 1_800_000_000_500) as Report[];
      const isValid = new Ajv({ formats: { int32: true, int64: true } }).compile(POLICY_REPORT_SCHEMA);
      for (const report of reports) expect(isValid(report), JSON.stringify(isValid.errors)).to.equal(true);
      expect(reports.map(({ metadata }) => metadata)).to.deep.equal([
        {
          name: 'kube-harden-scan',
          namespace: 'shop',
          labels: { 'app.kubernetes.io/managed-by': 'kube-harden' },
        },
      ]);
      const [report] = reports;
      const web = report?.results.filter(({ resources }) => resources[0]?.name === 'web');
      expect(web?.map(({ rule, result, severity }) => [rule, result, severity])).to.deep.equal([
        ['runAsNonRoot', 'warn', 'medium'],
        ['runAsUser', 'warn', 'high'],
        ['capabilities', 'warn', 'medium'],
        ['allowPrivilegeEscalation', 'warn', 'low'],
        ['readOnlyRootFilesystem', 'warn', 'high'],
        ['seccompProfile', 'warn', 'low'],
        ['resources', 'warn', 'medium'],
      ]);
      const { pass = 0, fail = 0, warn = 0, error = 0, skip = 0 } = report?.summary ?? {};
      expect(fail + warn + skip).to.equal(report?.results.length);
      // 21 rules of two workloads.
      expect([error, pass + fail + warn + skip]).to.deep.equal([0, 42]);
    });

    it('a namespace that does not fit in one object has several, each small enough for kubectl apply', async () => {
      const deployments = Array.from({ length: 200 }, (_, index) =>
        listed('Deployment', `web-${String(index).padStart(3, '0')}`, templated(1)),
      );
      const reports = policyReports(await reportOf({ ...OBJECTS, deployments }), 0) as Report[];
      expect(reports.map(({ metadata }) => metadata.name).slice(0, 3)).to.deep.equal([
        'kube-harden-scan',
        'kube-harden-scan-2',
        'kube-harden-scan-3',
      ]);
      for (const report of reports) expect(JSON.stringify(report).length).to.be.below(256 * 1024);
      const named = reports.flatMap(({ results }) => results.map(({ resources }) => resources[0]?.name));
      expect(new Set(named)).to.have.length(201);
      const all = reports
        .flatMap(({ summary }) => Object.values(summary))
        .reduce((sum, count) => sum + count, 0);
      expect(all).to.equal(201 * 21);
    });
  });
});
