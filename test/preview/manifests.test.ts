import { expect } from 'chai';
import { ManifestError } from '../../src/preview/manifestError.js';
import { MAX_MANIFEST_BYTES, readManifests } from '../../src/preview/manifests.js';

const bytes = (text: string): Uint8Array => Buffer.from(text);

describe('readManifests', () => {
  const found: readonly { it: string; text: string; file?: string; sources: string[]; kinds: string[] }[] = [
    {
      it: 'one document',
      text: 'apiVersion: v1\nkind: Pod\n',
      sources: ['document 0'],
      kinds: ['Pod'],
    },
    {
      it: 'several documents of a file, empty ones left out',
      text: '# c\n---\n---\napiVersion: v1\nkind: Pod\n---\napiVersion: apps/v1\nkind: Deployment\n---\n',
      file: 'web.yaml',
      sources: ['web.yaml#0', 'web.yaml#1'],
      kinds: ['Pod', 'Deployment'],
    },
    {
      it: 'JSON',
      text: '{"apiVersion": "v1", "kind": "Pod"}',
      sources: ['document 0'],
      kinds: ['Pod'],
    },
    {
      it: 'Lists, in one another too, and items that leave their kind to the list',
      text:
        'apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod}\n' +
        '- {apiVersion: apps/v1, kind: DeploymentList, items: [{}, {metadata: {name: b}}]}\n',
      sources: ['document 0 items[0]', 'document 0 items[1].items[0]', 'document 0 items[1].items[1]'],
      kinds: ['Pod', 'Deployment', 'Deployment'],
    },
    { it: 'an empty List', text: 'apiVersion: v1\nkind: PodList\nitems: []\n', sources: [], kinds: [] },
    {
      it: 'an empty List as Go writes it',
      text: '{"apiVersion": "v1", "kind": "PodList", "items": null}',
      sources: [],
      kinds: [],
    },
    {
      it: 'a resource that is called a list and is none',
      text: 'apiVersion: example.com/v1\nkind: AllowList\nspec: {}\n',
      sources: ['document 0'],
      kinds: ['AllowList'],
    },
  ];
  for (const { it: what, text, file, sources, kinds } of found) {
    it(`reads ${what}`, () => {
      const { manifests, issues } = readManifests(bytes(text), { file });
      expect(manifests.map(({ source }) => source)).to.deep.equal(sources);
      expect(manifests.map(({ object }) => object.kind)).to.deep.equal(kinds);
      expect(issues).to.deep.equal([]);
    });
  }

  it('takes an AdmissionReview with its request as it is', () => {
    const object = { apiVersion: 'v1', kind: 'Pod', spec: {} };
    const review = {
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: {
        uid: 'u',
        kind: { version: 'v1', kind: 'Pod' },
        operation: 'CREATE',
        namespace: 'shop',
        object,
      },
    };
    const [manifest] = readManifests(bytes(JSON.stringify(review))).manifests;
    expect(manifest?.at).to.deep.equal(['request', 'object']);
    expect(manifest?.object).to.deep.equal(object);
    expect(manifest?.request).to.deep.include({ uid: 'u', namespace: 'shop', operation: 'CREATE' });
  });

  it('tells where a field of an item stands', () => {
    const text =
      'apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: a\n';
    const [manifest] = readManifests(bytes(text)).manifests;
    expect(manifest?.position(['metadata', 'name'])).to.deep.equal({ line: 7, column: 5 });
  });

  const broken: readonly { it: string; input: Uint8Array; issue: Record<string, unknown> }[] = [
    { it: 'nothing', input: bytes(''), issue: { line: 1, message: 'nothing in it' } },
    { it: 'comments alone', input: bytes('# a\n---\n'), issue: { message: 'nothing in it' } },
    {
      it: 'bytes that are not UTF-8',
      input: Buffer.concat([bytes('kind: Pod\nname: '), Buffer.from([0xff])]),
      issue: { line: 2, column: 7, message: 'is not UTF-8' },
    },
    {
      it: 'a key that stands twice, in the second document',
      input: bytes('a: 1\n---\nb:\n  c: 1\n  c: 2\n'),
      issue: { document: 1, line: 5, column: 3, message: 'duplicate key "c"' },
    },
    {
      it: 'a Helm template',
      input: bytes('a: {{ .Values.a }}\n'),
      issue: { message: 'helm template' },
    },
    {
      it: 'nesting without end',
      input: bytes(`${'['.repeat(6000)}${']'.repeat(6000)}`),
      issue: { line: 1, message: 'nested more than' },
    },
    { it: 'too much', input: new Uint8Array(MAX_MANIFEST_BYTES + 1), issue: { message: '20 MiB' } },
  ];
  for (const { it: what, input, issue } of broken) {
    it(`refuses ${what}`, () => {
      try {
        readManifests(input);
        expect.fail('was read');
      } catch (error) {
        if (!(error instanceof ManifestError)) throw error;
        const { message, ...place } = issue;
        expect(error.issues[0]?.message).to.include(String(message));
        expect(error.issues[0]).to.deep.include(place);
      }
    });
  }

  const wrong: readonly { it: string; text: string; field: string; message: string; line: number }[] = [
    {
      it: 'a scalar',
      text: 'hello\n',
      field: '',
      message: 'expected a Kubernetes object, found "hello"',
      line: 1,
    },
    {
      it: 'a list',
      text: '- a\n',
      field: '',
      message: 'expected a Kubernetes object, found a list',
      line: 1,
    },
    { it: 'no kind', text: 'apiVersion: v1\n', field: 'kind', message: 'is required', line: 1 },
    { it: 'no apiVersion', text: '\nkind: Pod\n', field: 'apiVersion', message: 'is required', line: 2 },
    {
      it: 'a kind that is no text',
      text: 'apiVersion: v1\nkind: on\n',
      field: 'kind',
      message: 'true is not a name',
      line: 2,
    },
    {
      it: 'an item that is nothing',
      text: 'apiVersion: v1\nkind: List\nitems:\n-\n',
      field: 'items[0]',
      message: 'expected a Kubernetes object, found nothing',
      line: 4,
    },
    {
      it: 'a List without items',
      text: 'apiVersion: v1\nkind: List\nitem: []\n',
      field: 'items',
      message: 'is required',
      line: 1,
    },
    {
      it: 'a List whose items are one object',
      text: 'apiVersion: v1\nkind: List\nitems:\n  kind: Pod\n',
      field: 'items',
      message: 'expected a list, found an object',
      line: 3,
    },
    {
      it: 'a DeploymentList whose items are no list',
      text: 'apiVersion: apps/v1\nkind: DeploymentList\nitems: web\n',
      field: 'items',
      message: 'expected a list, found "web"',
      line: 3,
    },
    {
      it: 'a review of another version',
      text: 'apiVersion: admission.k8s.io/v1beta1\nkind: AdmissionReview\n',
      field: 'apiVersion',
      message: '"admission.k8s.io/v1beta1" is not supported; use admission.k8s.io/v1',
      line: 1,
    },
    {
      it: 'a review without a uid',
      text: 'apiVersion: admission.k8s.io/v1\nkind: AdmissionReview\nrequest:\n  uid: ""\n',
      field: 'request.uid',
      message: '"" is empty',
      line: 4,
    },
  ];
  for (const { it: what, text, field, message, line } of wrong) {
    it(`reports ${what}, placed`, () => {
      const { issues } = readManifests(bytes(text));
      expect(issues[0]).to.deep.include({ document: 0, line, field });
      if (field !== 'request.uid') expect(issues[0]?.message).to.equal(message);
    });
  }
});
