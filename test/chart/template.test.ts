import { expect } from 'chai';
import { ChartTemplate, conditional } from '../../scripts/generated/chartTemplate.js';

const BASE = `# What it is for.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 3 # one for each zone
  containers:
    - name: web
      env:
        - name: A
          value: '1'
        # Why B.
        - name: B
          value: '2'
      resources:
        limits: { cpu: '1' }
`;

const base = (): ChartTemplate => new ChartTemplate(BASE, 'base.yaml');

/** A patch of the same object. */
function patch(spec: string): ChartTemplate {
  const head = 'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n';
  return new ChartTemplate(head + spec, 'patch.yaml');
}

describe('chart: a template made of a manifest', () => {
  it('is the manifest where nothing is changed', () => expect(base().toString()).to.equal(BASE));

  it('has the text of others kept from helm', () => {
    const text = 'a: Only {{ $value }} of {{ $labels.pod }}\n';
    expect(new ChartTemplate(text, 'a.yaml').toString()).to.equal(
      'a: Only {{`{{ $value }}`}} of {{`{{ $labels.pod }}`}}\n',
    );
  });

  it('has values in place, and comments where they were', () => {
    const template = base();
    template.replaceScalar(['spec', 'replicas'], '{{ .Values.replicas }}');
    template.replaceBlock(['spec', 'containers', 0, 'env'], '.Values.env');
    template.append(['metadata'], conditional('.Values.labels', ['labels: {}']));
    expect(template.toString()).to.include('  replicas: {{ .Values.replicas }} # one for each zone\n');
    expect(template.toString()).to.include(
      '      env:\n        {{- toYaml .Values.env | nindent 8 }}\n      resources:\n',
    );
    expect(template.toString()).to.include(
      '  name: web\n  {{- if .Values.labels }}\n  labels: {}\n  {{- end }}\nspec:\n',
    );
  });

  it("has a patch's scalar in one line with the manifest's", () => {
    const template = base();
    template.merge(patch('  replicas: 1\n'), '.Values.small');
    expect(template.toString()).to.include(
      '  replicas: {{ if .Values.small }}1{{ else }}3{{ end }} # one for each zone\n',
    );
  });

  it("has a patch's elements first, in its order, with their comments, and those of the manifest where it does not hold", () => {
    const template = base();
    const env =
      '      - name: B\n        value: two\n      # Why C.\n      - name: C\n        value: three\n';
    template.merge(patch(`  containers:\n  - name: web\n    env:\n${env}`), 'eq .Values.kind "big"');
    expect(template.toString()).to.include(`      env:
        {{- if eq .Values.kind "big" }}
        - name: B
          value: two
        # Why C.
        - name: C
          value: three
        {{- end }}
        - name: A
          value: '1'
`);
    expect(template.toString()).to.match(
      /value: '1'\n {8}\{\{- if not \(eq \.Values\.kind "big"\) \}\}\n {8}# Why B\.\n {8}- name: B\n {10}value: '2'\n {8}\{\{- end \}\}\n {6}resources:/,
    );
  });

  it('has what a later patch adds before what an earlier one did, as kustomize has', () => {
    const template = base();
    const adds = (name: string): ChartTemplate =>
      patch(`  containers:\n  - name: web\n    env:\n    - name: ${name}\n      value: x\n`);
    template.merge(adds('FIRST'), '.Values.first');
    template.merge(adds('SECOND'), '.Values.second');
    const names = [...template.toString().matchAll(/- name: ([A-Z]+)/g)].map(([, name]) => name);
    expect(names).to.deep.equal(['SECOND', 'FIRST', 'A', 'B']);
  });

  for (const [what, change, message] of [
    [
      'a path that is gone',
      () => base().replaceScalar(['spec', 'size'], 'x'),
      'base.yaml: spec.size is not there',
    ],
    [
      'a map taken for a scalar',
      () => base().replaceScalar(['metadata'], 'x'),
      'base.yaml: metadata is not a scalar',
    ],
    [
      'a patch of another object',
      () => base().merge(new ChartTemplate(BASE.replace('name: web', 'name: db'), 'patch.yaml'), 'x'),
      'patch.yaml patches apps/v1 Deployment  db, not in base.yaml',
    ],
    [
      'a patch that makes a map of a scalar',
      () => base().merge(patch('  replicas: { min: 1 }\n'), 'x'),
      'patch.yaml changes the type of replicas',
    ],
  ] as const) {
    it(`refuses ${what}`, () => expect(change).to.throw(message));
  }

  it('refuses a patch of a list of which it knows no key', () => {
    const template = new ChartTemplate(
      BASE.replace("limits: { cpu: '1' }", 'claims:\n          - name: gpu'),
      'base.yaml',
    );
    const claims = patch('  containers:\n  - name: web\n    resources:\n      claims:\n      - name: gpu\n');
    expect(() => template.merge(claims, 'x')).to.throw(
      'patch.yaml patches the list claims: say by which key it is merged',
    );
  });

  it('refuses a patch that moves an element and names not all of its fields', () => {
    const part = patch('  containers:\n  - name: web\n    env:\n    - name: B\n');
    expect(() => base().merge(part, 'x')).to.throw('patch.yaml moves an element of env and leaves out value');
  });
});
