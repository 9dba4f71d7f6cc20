import { expect } from 'chai';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { KubernetesObject } from '../../src/admission/types.js';
import { essenceOf as essenceWith, type Essence } from '../../src/admission/essence.js';
import { managedFieldsOf } from '../../src/admission/managedFields.js';
import { controllerPod } from '../support/controllerPod.js';
import { corpusWorkloads } from '../support/corpus.js';
import { apiServerReview } from './support/apiServerReview.js';
import { pod, podTemplate, requestOf, reviewOf, workload } from './support/reviews.js';

const recorded = (file: string): string =>
  readFileSync(new URL(`../fixtures/reviews/${file}`, import.meta.url), 'utf8');

function essenceOf(text: string): Essence | undefined {
  return essenceWith(text, managedFieldsOf(text, Buffer.from(text)));
}

/** The review without what an essence leaves out, taken away field by field. */
function expected(text: string): unknown {
  const review = JSON.parse(text.replaceAll(/kube-api-access-\w{5}(?=")/g, 'kube-api-access-*****')) as {
    request: { uid: string; object: KubernetesObject };
  };
  review.request.uid = 'kept';
  const { metadata } = review.request.object;
  if (metadata?.['managedFields'] !== undefined) metadata['managedFields'] = [];
  return review;
}

describe('the essence of a review', () => {
  it('is one and the same for two recorded pods of a ReplicaSet', () => {
    const [first, second] = ['replicasetPod1.json', 'replicasetPod2.json'].map((file) =>
      essenceOf(recorded(file)),
    );
    expect(first?.uid).to.match(/^[0-9a-f-]{36}$/);
    expect(first?.uid).to.not.equal(second?.uid);
    expect(first?.text).to.equal(second?.text);
    expect(first?.digest).to.equal(second?.digest);
    expect(JSON.parse(first?.text ?? '')).to.deep.equal(expected(recorded('replicasetPod1.json')));
  });

  it('leaves out of every pod of the corpus that has no name the uid, managedFields and the letters of the token, and nothing else', () => {
    const found = new Set<string>();
    const workloads = corpusWorkloads();
    for (const { id, object } of workloads) {
      const text = apiServerReview(controllerPod(object));
      const essence = essenceOf(text);
      if (!text.includes('"metadata":{"generateName":')) {
        expect(essence, id).to.equal(undefined);
        continue;
      }
      expect(JSON.parse(essence?.text ?? ''), id).to.deep.equal(expected(text));
      if (text.includes('kube-api-access-x7k2p')) found.add(id);
    }
    expect(found.size).to.be.greaterThan(workloads.length / 4);
  });

  it('has the SHA-256 of its text, which no other text of the corpus has', () => {
    const texts = new Map<string, string>();
    for (const { object } of corpusWorkloads()) {
      const review = apiServerReview(controllerPod(object));
      for (const changed of [
        review,
        review.replace('"image":"', '"image":"x'),
        review.replace('"image":"', '"image":"ä'),
      ]) {
        const essence = essenceOf(changed);
        if (essence === undefined) continue;
        const { text, digest } = essence;
        expect(digest).to.equal(createHash('sha256').update(Buffer.from(text)).digest('base64'));
        expect(texts.get(digest) ?? text).to.equal(text);
        texts.set(digest, text);
      }
    }
    expect(texts.size).to.be.greaterThan(corpusWorkloads().length / 2);
  });

  const template = controllerPod(workload('Deployment'));
  const alike = apiServerReview(template);
  const others: [what: string, text: string][] = [
    ['another image', apiServerReview(controllerPod(workload('Deployment', podTemplate({ hostPID: true }))))],
    ['another namespace', apiServerReview(template, { namespace: 'other' })],
    ['another user', alike.replace('replicaset-controller', 'job-controller')],
    ['another operation', alike.replace('"CREATE"', '"UPDATE"')],
    ['a dry run', alike.replace('"dryRun":false', '"dryRun":true')],
    ['another label', alike.replace('"app":"web"', '"app":"api"')],
  ];
  for (const [what, text] of others) {
    it(`of ${what} is another`, () => {
      expect(text).to.not.equal(alike);
      expect(essenceOf(text)?.text).to.be.a('string').that.does.not.equal(essenceOf(alike)?.text);
    });
  }

  const none: [what: string, text: string][] = [
    ['in another order', reviewOf(requestOf(pod()))],
    [
      'of a Deployment',
      alike.replace('"kind":"Pod","apiVersion":"v1"', '"kind":"Deployment","apiVersion":"v1"'),
    ],
    ['with a uid that is none', alike.replace('705ab4f5', '705ab4f"')],
    ['of a Pod that has a name', alike.replace('"generateName":"', '"name":"')],
    ['with a short uid', alike.replace('705ab4f5-6393-11e8-b7cc-42010a800002', 'x')],
    ['that is cut', alike.slice(0, 100)],
    ['that is empty', ''],
    ['of more than 64 KiB', alike.replace('"image":', `"args":["${'x'.repeat(64 * 1024)}"],"image":`)],
  ];
  for (const [what, text] of none) {
    it(`of a review ${what}: there is none`, () => expect(essenceOf(text)).to.equal(undefined));
  }

  describe('keeps a name', () => {
    const name = 'kube-api-access-x7k2p';
    const kept: [what: string, text: string][] = [
      ['of a container', alike.replace('"name":"web"', `"name":"${name}"`)],
      ['in a label', alike.replace('"app":"web"', `"app":"${name}"`)],
      ['in an argument', alike.replace('"image":', `"args":["${name}"],"image":`)],
      ['of a mount elsewhere', alike.replace('/var/run/secrets/kubernetes.io/serviceaccount', '/elsewhere')],
    ];
    for (const [what, text] of kept) {
      it(`${what} that is the token volume's too`, () => {
        expect(text).to.not.equal(alike);
        expect(essenceOf(text)?.text).to.contain(name);
      });
    }

    it('that only begins like it', () => {
      const longer = apiServerReview(template, { letters: 'x7k2pq' });
      expect(essenceOf(longer)?.text).to.contain('kube-api-access-x7k2pq');
    });
  });

  it('is none where a volume claim template has managedFields and the pod has none, or a key spec before its own', () => {
    const claim = {
      metadata: { name: 'data', managedFields: [{ fieldsV1: { a: { b: [1] }, spec: {} } }] },
      spec: { accessModes: ['ReadWriteOnce'] },
    };
    const spec = { volumes: [{ name: 'data', ephemeral: { volumeClaimTemplate: claim } }] };
    const text = apiServerReview(controllerPod(workload('Deployment', podTemplate(spec))));
    expect(essenceOf(text)?.text).to.contain('"fieldsV1":{"a":{"b":[1]},"spec":{}}');
    const bare = text.replace(/,"managedFields":\[.*?\]\},"spec"/, '},"spec"');
    expect(bare).to.contain('"fieldsV1":{"a":{"b":[1]},"spec":{}}');
    expect(essenceOf(bare)).to.equal(undefined);
    expect(essenceOf(alike.replace('"app":"web"', '"spec":"web"'))).to.equal(undefined);
  });
});
