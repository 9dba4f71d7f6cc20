import { expect } from 'chai';
import { parseQuantity } from '../../src/hardening/quantity.js';
import { NamespacesError } from '../../src/policy/namespacesError.js';
import { parseNamespaces } from '../../src/policy/namespacesFile.js';

const namespace = (name: string) => `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${name}}\n`;

describe('parseNamespaces', () => {
  it('keeps of a namespace what a decision needs', () => {
    const facts = parseNamespaces(`apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Namespace
  metadata:
    name: shop
    labels:
      kube-harden.io/mode: audit
      kubernetes.io/metadata.name: shop
    annotations:
      kube-harden.io/uid-range: 1000680000/10000
      openshift.io/sa.scc.uid-range: 1/1
      other: x
- apiVersion: v1
  kind: Namespace
  metadata: {name: bare}
`);
    expect([...facts.values()]).to.deep.equal([
      {
        name: 'shop',
        labels: { 'kube-harden.io/mode': 'audit' },
        uidRange: '1000680000/10000',
        limitRanges: [],
        quotaByQos: false,
      },
      { name: 'bare', labels: {}, uidRange: undefined, limitRanges: [], quotaByQos: false },
    ]);
  });

  it("reads OpenShift's annotation", () => {
    const text = namespace('a').replace('}', ', annotations: {openshift.io/sa.scc.uid-range: 5/5}}');
    expect(parseNamespaces(text).get('a')?.uidRange).to.equal('5/5');
  });

  it('reads limit ranges of containers and pods, wherever they stand', () => {
    const facts = parseNamespaces(`apiVersion: v1
kind: LimitRange
metadata: {name: l, namespace: a}
spec:
  limits:
  - {type: Container, max: {memory: 1Gi}, min: {cpu: 10m}, maxLimitRequestRatio: {cpu: 4}, default: {cpu: "1"}}
  - {type: Pod, max: {cpu: "2"}}
  - {type: PersistentVolumeClaim, max: {storage: 1Gi}}
---
${namespace('a')}`);
    expect(facts.get('a')?.limitRanges).to.deep.equal([
      {
        type: 'Container',
        max: new Map([['memory', parseQuantity('1Gi')]]),
        min: new Map([['cpu', parseQuantity('10m')]]),
        maxLimitRequestRatio: new Map([['cpu', parseQuantity('4')]]),
      },
      {
        type: 'Pod',
        max: new Map([['cpu', parseQuantity('2')]]),
        min: new Map(),
        maxLimitRequestRatio: new Map(),
      },
    ]);
  });

  for (const [spec, expected] of [
    ['{scopes: [BestEffort]}', true],
    ['{scopes: [NotBestEffort]}', true],
    ['{scopes: [Terminating]}', false],
    ['{scopeSelector: {matchExpressions: [{scopeName: BestEffort, operator: Exists}]}}', true],
    ['{scopeSelector: {matchExpressions: [{scopeName: PriorityClass, operator: In, values: [x]}]}}', false],
    ['{hard: {pods: "5"}}', false],
  ] as const)
    it(`a quota with ${spec} counts by QoS class: ${String(expected)}`, () => {
      const quota = `apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q, namespace: a}\nspec: ${spec}\n`;
      expect(parseNamespaces(`${namespace('a')}---\n${quota}`).get('a')?.quotaByQos).to.equal(expected);
    });

  const wrong: readonly [name: string, text: string, message: string][] = [
    [
      'another kind',
      'kind: Namespce\napiVersion: v1\n',
      'f:1: kind: "Namespce" is not one of Namespace, LimitRange, ResourceQuota; did you mean "Namespace"?',
    ],
    ['no kind', 'a: 1\n', 'f:1: kind: is required'],
    ['a text', 'hello\n', 'f:1: "hello" is not an object with a kind'],
    ['another version', namespace('a').replace('v1', 'v2'), 'f:1: apiVersion: "v2" is not v1'],
    ['no name', 'apiVersion: v1\nkind: Namespace\nmetadata: {}\n', 'f:3: metadata.name: is required'],
    ['a name that is a number', namespace('5'), 'f:3: metadata.name: 5 is not a string: quote it'],
    [
      'a label that is a boolean',
      namespace('a').replace('}', ', labels: {kube-harden.io/sshd: off}}'),
      'f:3: metadata.labels["kube-harden.io/sshd"]: false is not a string: quote it',
    ],
    [
      'a namespace twice',
      `${namespace('a')}---\n${namespace('a')}`,
      'f:7: metadata.name: "a" is there already',
    ],
    [
      'a limit range of no namespace',
      `${namespace('shop')}---\napiVersion: v1\nkind: LimitRange\nmetadata: {name: l, namespace: shpo}\nspec: {limits: []}\n`,
      'f:7: metadata.namespace: there is no Namespace "shpo" in the file; did you mean "shop"?',
    ],
    [
      'a quantity that is none',
      `${namespace('a')}---\napiVersion: v1\nkind: LimitRange\nmetadata: {name: l, namespace: a}\nspec: {limits: [{type: Pod, max: {cpu: 1Q}}]}\n`,
      'f:8: spec.limits[0].max.cpu: "1Q" is not a quantity',
    ],
    ['bad YAML', 'a: 1\na: 2\n', 'f:2: duplicate key "a", first on line 1'],
  ];
  for (const [name, text, message] of wrong)
    it(`refuses ${name}`, () => {
      expect(() => parseNamespaces(text, { source: 'f' }))
        .to.throw(NamespacesError)
        .with.property('message', message);
    });

  it('says everything at once', () => {
    const text = 'kind: Namespace\n---\nkind: Pod\n---\napiVersion: v1\nkind: Namespace\nmetadata: {}\n';
    try {
      parseNamespaces(text);
    } catch (error) {
      expect((error as NamespacesError).issues.map(({ path }) => path)).to.deep.equal([
        'apiVersion',
        'metadata.name',
        'kind',
        'metadata.name',
      ]);
      return;
    }
    throw new Error('it was accepted');
  });

  it('keeps of quotas what default requests and limits count towards, in the order of the file', () => {
    const quota = (name: string, hard: string): string =>
      `---\napiVersion: v1\nkind: ResourceQuota\nmetadata: {name: ${name}, namespace: a}\nspec: {hard: {${hard}}}\n`;
    const text =
      namespace('a') + quota('z', 'cpu: 1, limits.memory: 1Gi, pods: 3') + quota('none', 'pods: 3');
    expect(parseNamespaces(text + quota('b', 'requests.cpu: 1, cpu: 1')).get('a')?.quotas).to.deep.equal([
      { name: 'z', resources: ['limits.memory', 'requests.cpu'] },
      { name: 'b', resources: ['requests.cpu'] },
    ]);
  });
});
