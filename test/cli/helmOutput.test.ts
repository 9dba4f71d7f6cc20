import { expect } from 'chai';
import { runPreview } from '../../src/cli/preview.js';
import type { PreviewResult } from '../../src/preview/result.js';

/** As `helm template` prints a chart: CRDs first, the source of each document, hooks, and what a condition left empty. */
const CHART = `---
# Source: shop/crds/things.yaml
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: things.shop.example
spec:
  group: shop.example
---
# Source: shop/templates/empty.yaml
---
# Source: shop/templates/service.yaml

apiVersion: v1
kind: Service
metadata:
  name: release-name-shop
---
# Source: shop/charts/db/templates/list.yaml
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ConfigMap
  metadata:
    name: settings
- apiVersion: apps/v1
  kind: StatefulSet
  metadata:
    name: db
  spec:
    template:
      spec:
        containers:
        - name: db
          image: registry.example/db
---
# Source: shop/templates/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: release-name-shop
spec:
  template:
    spec:
      containers:
        - name: web
          image: "registry.example/web:1"
---
# Source: shop/templates/tests/connection.yaml
apiVersion: v1
kind: Pod
metadata:
  name: "release-name-shop-test"
  annotations:
    "helm.sh/hook": test
spec:
  restartPolicy: Never
  containers:
    - name: wget
      image: busybox
`;

interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

async function preview(stdin: string, output?: 'json' | 'yaml'): Promise<Ran> {
  let [out, err] = ['', ''];
  const status = await runPreview(
    { filename: ['-'], output },
    {
      stdout: (text) => void (out += text),
      stderr: (text) => (err += text),
      stdin: () => Promise.resolve(Buffer.from(stdin)),
      colour: false,
    },
  );
  return { status, out, err };
}

describe('helm template | kube-harden preview -f -', () => {
  it('takes CRDs, empty documents, Lists and hooks as they come', async () => {
    const { status, out, err } = await preview(CHART, 'json');
    expect({ status, err }).to.deep.equal({ status: 1, err: '' });
    const { results } = JSON.parse(out) as { results: PreviewResult[] };
    expect(results.map(({ kind, name }) => `${kind}/${name}`)).to.deep.equal([
      'CustomResourceDefinition/things.shop.example',
      'Service/release-name-shop',
      'ConfigMap/settings',
      'StatefulSet/db',
      'Deployment/release-name-shop',
      'Pod/release-name-shop-test',
    ]);
    const changed = results.filter(({ changes }) => changes.length > 0).map(({ kind }) => kind);
    expect(changed).to.deep.equal(['StatefulSet', 'Deployment', 'Pod']);
  });

  it('keeps the comments and the empty documents in the hardened YAML', async () => {
    const { out } = await preview(CHART, 'yaml');
    const lines = out.split('\n');
    let from = 0;
    for (const line of CHART.trimEnd().split('\n')) {
      const at = lines.indexOf(line, from);
      expect(at, line).to.be.at.least(from);
      from = at + 1;
    }
    expect(lines.length).to.be.above(CHART.split('\n').length);
  });

  it('names the template that a wrong document comes from', async () => {
    const wrong = CHART.replace('image: busybox', 'image: busybox\n      resources: {limits: {cpu: lots}}');
    const { status, err } = await preview(
      `${wrong}---\n# Source: shop/templates/odd.yaml\nmetadata:\n  name: odd\n---\napiVersion: v1\n`,
    );
    expect(status).to.equal(2);
    expect(err).to.equal(
      [
        'stdin:62:28 (shop/templates/tests/connection.yaml): spec.containers[0].resources.limits.cpu: "lots" is not a quantity',
        'stdin:65:1 (shop/templates/odd.yaml): apiVersion: is required',
        'stdin:65:1 (shop/templates/odd.yaml): kind: is required',
        'stdin:68:1: kind: is required',
        '',
      ].join('\n'),
    );
  });

  it('names the template where the YAML itself is broken', async () => {
    const { err } = await preview(CHART.replace('image: busybox', 'image: [busybox'));
    expect(err).to.match(/^stdin:\d+:\d+ \(shop\/templates\/tests\/connection\.yaml\): /);
  });

  it('says what to pipe instead of what helm install prints', async () => {
    const status =
      'NAME: shop\nLAST DEPLOYED: Thu Nov 26 01:00:00 2026\nNAMESPACE: default\nSTATUS: pending-install\n';
    const { err } = await preview(`${status}HOOKS:\nMANIFEST:\n${CHART}\nNOTES:\nEnjoy: it\n`);
    expect(err).to.equal(
      'stdin: this is what helm install prints, and no manifests alone; pipe helm template instead\n',
    );
  });
});
