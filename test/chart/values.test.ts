import { expect } from 'chai';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMap, isScalar, parseDocument, type YAMLMap } from 'yaml';
import { unknownParts } from '../../scripts/generated/chart.js';
import { CHART, Workspace } from './support/render.js';

const ALL = {
  certificates: 'cert-manager',
  preview: { enabled: true },
  monitoring: { enabled: true, labels: { release: 'prometheus' } },
  failOpen: true,
  openshift: true,
  policies: { default: {} },
  namespace: { create: true },
  tolerations: [{ operator: 'Exists' }],
  imagePullSecrets: [{ name: 'registry' }],
  env: { KUBE_HARDEN_LOG_LEVEL: 'debug' },
};

describe('chart: values', function () {
  this.timeout(60_000);
  let workspace: Workspace;

  before(() => (workspace = new Workspace()));
  after(() => workspace.remove());

  for (const [what, values] of [
    ['its own values', {}],
    ['all that can be chosen', ALL],
  ] as const) {
    it(`helm lint --strict has nothing to say of ${what}`, async () => {
      const file = workspace.write('values.json', JSON.stringify(values));
      const { code, stdout, stderr } = await workspace.helm([
        'lint',
        '--strict',
        CHART,
        '-n',
        'kube-harden',
        '-f',
        file,
      ]);
      expect([code, stderr]).to.deep.equal([0, '']);
      // An icon is a matter of catalogues.
      expect(stdout.split('\n').filter((line) => line.startsWith('['))).to.deep.equal([
        '[INFO] Chart.yaml: icon is recommended',
      ]);
    });
  }

  /** What is wrong, and what helm says of it. */
  const WRONG: readonly (readonly [what: string, values: object, message: RegExp])[] = [
    ['a key that is none', { replica: 2 }, /additional properties 'replica' not allowed/],
    [
      'a key that is none, in a group',
      { image: { registry: 'r' } },
      /at '\/image': additional properties 'registry' not allowed/,
    ],
    ['a number that is text', { replicas: '2' }, /at '\/replicas': got string, want integer/],
    ['no replica', { replicas: 0 }, /at '\/replicas': minimum: got 0, want 1/],
    ['a switch that is text', { failOpen: 'true' }, /at '\/failOpen': got string, want boolean/],
    [
      'a group that is a switch',
      { preview: true },
      /at '\/preview': got boolean, want object|destination for/,
    ],
    [
      'certificates both ways',
      { certificates: ['self-signed', 'cert-manager'] },
      /at '\/certificates': value must be one of 'self-signed', 'cert-manager'/,
    ],
    [
      'certificates both ways, by switches',
      { certificates: { selfSigned: true, certManager: true } },
      /at '\/certificates': value must be one of 'self-signed', 'cert-manager'/,
    ],
    [
      'certificates in no way',
      { certificates: 'none' },
      /at '\/certificates': value must be one of 'self-signed', 'cert-manager'/,
    ],
    ['a value taken away', { replicas: null }, /missing property 'replicas'/],
    [
      'a digest that is none',
      { image: { digest: 'sha256:1' } },
      /at '\/image\/digest': 'sha256:1' does not match pattern/,
    ],
    [
      'a quantity that is none',
      { resources: { limits: { cpu: 'much' } } },
      /at '\/resources\/limits\/cpu': 'much' does not match pattern/,
    ],
    [
      'a pull policy that is none',
      { image: { pullPolicy: 'Sometimes' } },
      /at '\/image\/pullPolicy': value must be one of '', 'Always'/,
    ],
    [
      'a variable that the chart sets itself',
      { env: { KUBE_HARDEN_CERTIFICATES: 'files' } },
      /at '\/env': additional properties 'KUBE_HARDEN_CERTIFICATES' not allowed/,
    ],
    [
      'a variable that is no text',
      { env: { KUBE_HARDEN_LOG_LEVEL: 1 } },
      /at '\/env\/KUBE_HARDEN_LOG_LEVEL': got number, want string/,
    ],
    [
      'pull secrets that are names alone',
      { imagePullSecrets: ['registry'] },
      /at '\/imagePullSecrets\/0': got string, want object/,
    ],
    ['a port that is none', { apiServerPorts: [0] }, /at '\/apiServerPorts\/0': minimum: got 0, want 1/],
    ['no port of the API server', { apiServerPorts: [] }, /at '\/apiServerPorts': minItems: got 0, want 1/],
    ['policies as a list', { policies: [{ name: 'default' }] }, /at '\/policies': got array, want object/],
    [
      "a policy's name that no label can have",
      { policies: { Default: {} } },
      /invalid propertyName 'Default'/,
    ],
  ];
  for (const [what, values, message] of WRONG) {
    it(`refuses ${what}`, async () => {
      const file = workspace.write('values.json', JSON.stringify(values));
      const { code, stdout, stderr } = await workspace.helm(['template', 'kube-harden', CHART, '-f', file]);
      expect(code).to.equal(1);
      expect(stdout).to.equal('');
      expect(stderr).to.match(message).and.to.include("values don't meet the specifications of the schema");
    });
  }

  it('can be a subchart, whose parent shares values of its own', async () => {
    const parent = workspace.subfolder();
    writeFileSync(join(parent, 'Chart.yaml'), 'apiVersion: v2\nname: parent\nversion: 1.0.0\n');
    writeFileSync(join(parent, 'values.yaml'), 'global: { region: eu }\nkube-harden: { replicas: 2 }\n');
    mkdirSync(join(parent, 'charts'));
    cpSync(CHART, join(parent, 'charts', 'kube-harden'), { recursive: true });
    const { code, stdout, stderr } = await workspace.helm([
      'template',
      'parent',
      parent,
      '-n',
      'kube-harden',
    ]);
    expect([code, stderr]).to.deep.equal([0, '']);
    expect(stdout).to.match(/^ {2}replicas: 2$/m);
  });

  for (const namespace of ['default', 'kube-system']) {
    it(`refuses the namespace ${namespace}`, async () => {
      const { code, stderr } = await workspace.helm(['template', 'harden', CHART, '-n', namespace]);
      expect(code).to.equal(1);
      expect(stderr).to.include(
        `kube-harden needs a namespace of its own, not ${namespace}: helm install harden CHART -n kube-harden`,
      );
    });
  }

  it('and templates are all in the package', async () => {
    const folder = workspace.subfolder();
    expect((await workspace.helm(['package', CHART, '-d', folder])).code).to.equal(0);
    const file = workspace.write('values.json', JSON.stringify(ALL));
    const [packed = ''] = readdirSync(folder);
    const [ofPackage, ofFolder] = await Promise.all(
      [join(folder, packed), CHART].map((chart) =>
        workspace.helm(['template', 'kube-harden', chart, '-n', 'kube-harden', '-f', file]),
      ),
    );
    expect(ofFolder?.code).to.equal(0);
    expect(ofPackage?.stdout).to.equal(ofFolder?.stdout);
  });

  it('refuses a Kubernetes that is too old', async () => {
    const args = ['template', 'kube-harden', CHART, '--kube-version', '1.29.9'];
    const { code, stderr } = await workspace.helm(args);
    expect(code).to.equal(1);
    expect(stderr).to.include('chart requires kubeVersion: >=1.30.0-0');
  });

  it('have a comment each in values.yaml, and a description in the schema', () => {
    const document = parseDocument(readFileSync(join(CHART, 'values.yaml'), 'utf8'));
    const schema = JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8')) as Schema;
    const described: string[] = [];
    const look = (map: YAMLMap, { properties = {} }: Schema, isGroup: boolean): void => {
      map.items.forEach(({ key, value }, index) => {
        const name = String(key);
        const property = properties[name];
        if (property === undefined) throw new Error(`the schema has no ${name}`);
        // The comment above the first key of a map is the map's own.
        const comment = index === 0 && isGroup ? map.commentBefore : isScalar(key) && key.commentBefore;
        expect(comment ?? (index === 0 && document.commentBefore), name)
          .to.be.a('string')
          .and.not.equal('');
        expect(property.description, name).to.match(/\S/);
        described.push(name);
        if (isMap(value) && property.default === undefined) look(value, property, true);
      });
    };
    look(document.contents as unknown as YAMLMap, schema, false);
    expect(described).to.include.members(['image', 'repository', 'replicas', 'certificates', 'keep']);
  });

  it('cover every overlay and component of kustomize', () => {
    expect(unknownParts()).to.deep.equal([]);
  });
});

interface Schema {
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
}
