import { expect } from 'chai';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import type { KubernetesObject } from '../../src/admission/types.js';
import { managedFieldsOf } from '../../src/admission/managedFields.js';
import { apiServerReview } from './support/apiServerReview.js';
import { controllerPod } from '../support/controllerPod.js';
import { handlerFor, plansOf, pod, requestOf, responseOf, reviewOf, workload } from './support/reviews.js';

const LIST = /"managedFields":\[.*?\](?=\},"spec")/;
const review = apiServerReview(controllerPod(workload('Deployment')));

function found(text: string): ReturnType<typeof managedFieldsOf> {
  return managedFieldsOf(text, Buffer.from(text));
}

/** The review with other text for the list. */
function withList(list: string): string {
  return review.replace(LIST, () => `"managedFields":${list}`);
}

/** What is left when they are cut out. */
function cut(text: string): string | undefined {
  const span = found(text);
  return typeof span === 'object' ? text.slice(0, span.start) + text.slice(span.end) : undefined;
}

describe('the managedFields of a review', () => {
  it('have their entries cut out of a recorded one, and nothing else', () => {
    const text = readFileSync(new URL('../fixtures/reviews/replicasetPod1.json', import.meta.url), 'utf8');
    const expected = JSON.parse(text) as { request: { object: KubernetesObject } };
    const { metadata } = expected.request.object;
    expect(metadata?.['managedFields']).to.be.an('array').that.is.not.empty;
    if (metadata) metadata['managedFields'] = [];
    expect(JSON.parse(cut(text) ?? '')).to.deep.equal(expected);
  });

  it('are found behind text of several bytes a character', () => {
    const text = review.replace('"namespace":"shop"', '"namespace":"shöp…"');
    expect(text).to.not.equal(review);
    expect(cut(text)).to.equal(cut(review)?.replace('"namespace":"shop"', '"namespace":"shöp…"'));
  });

  const none: [what: string, text: string][] = [
    ['no object', '{"kind":"AdmissionReview"}'],
    ['an object without them', review.replace(LIST, '"other":1')],
    ['an empty text', ''],
  ];
  for (const [what, text] of none) it(`are none in ${what}`, () => expect(found(text)).to.equal('none'));

  const unclear: [what: string, text: string][] = [
    ['white space', withList('[ ]')],
    ['a number', withList('[1]')],
    ['another escape', withList('["\\u0041"]')],
    ['a text of several bytes', withList('["ä"]')],
    ['a control character', withList('["\u0001"]')],
    ['a comma too many', withList('[{},]')],
    ['a comma too few', withList('[{}{}]')],
    ['a member without a name', withList('[{{}}]')],
    ['a name without a value', withList('[{"a"}]')],
    ['the other bracket', withList('[{"a":{}]]')],
    ['an end too many', withList('[]]')],
    ['no end', withList('[{"a":{')],
    ['a string without an end', withList('["a')],
    ['40 levels', withList('['.repeat(40) + ']'.repeat(40))],
    ['100,000 levels', withList('['.repeat(100_000) + ']'.repeat(100_000))],
    ['something behind them', review.replace(LIST, (list) => `${list},"x":1`)],
    ['a key spec before them', review.replace('"labels":{', '"labels":{"spec":"",')],
  ];
  for (const [what, text] of unclear)
    it(`are left as they are with ${what}`, () => {
      expect(text).to.not.equal(review);
      expect(found(text)).to.equal('unclear');
    });

  it('are cut out only where they are JSON, and what is left is the rest of the review', () => {
    const part = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      '"a"',
      '{}',
      '[]',
      '"a":',
      '{"f:b":{}}',
    );
    const list = fc.oneof(
      fc
        .array(fc.dictionary(fc.string(), fc.dictionary(fc.string(), fc.constant({}))))
        .map((value) => JSON.stringify(value)),
      fc.array(part, { maxLength: 12 }).map((parts) => `[${parts.join('')}]`),
    );
    let count = 0;
    fc.assert(
      fc.property(list, (given) => {
        const rest = cut(withList(given));
        if (rest === undefined) return;
        count += 1;
        JSON.parse(given);
        expect(rest).to.equal(cut(review));
      }),
      { numRuns: 3000 },
    );
    expect(count).to.be.greaterThan(300);
  });

  it('change no decision', async () => {
    const { answer } = handlerFor(plansOf());
    const named = review.replace('"generateName":"', '"name":"');
    const [withThem, without] = [named, named.replace(LIST, '"other":1')];
    expect(found(withThem)).to.be.an('object');
    expect(responseOf(await answer(withThem))).to.deep.equal(responseOf(await answer(without)));
  });

  const named = review.replace('"generateName":"', '"name":"');
  const inside = (text: string, was: RegExp | string, now: string): string => {
    const changed = text.replace(was, now);
    expect(changed).to.not.equal(text);
    return changed;
  };
  const bad: [what: string, make: (text: string) => string, message: string][] = [
    ['that are no JSON', (text) => inside(text, LIST, '"managedFields":[{]'), 'not JSON'],
    ['in a review that is none', (text) => inside(text, '"spec":{', '"spec":{{'), 'not JSON'],
    ...['', ' ', '\n', '\t', '\r\n '].map((space): [string, (text: string) => string, string] => [
      `behind a brace and ${JSON.stringify(space)}`,
      (text) =>
        inside(
          text,
          /"status":\{\}/,
          `"status":{}},"object":{"metadata":{${space},"managedFields":[]},"spec":{}`,
        ),
      'not JSON',
    ]),
    [
      'among the labels',
      (text) =>
        inside(text, /"labels":\{/, '"labels":{"a":"b","managedFields":["x"]},"spec":1},"ignored":{"x":{'),
      'metadata.labels.managedFields: a list is not a string',
    ],
  ];
  for (const [what, make, message] of bad)
    it(`are refused ${what}, as they are without this`, async () => {
      const { answer } = handlerFor(plansOf());
      for (const text of [review, named]) {
        const { status, body } = await answer(make(text));
        expect([status, body]).to.deep.equal([400, body]);
        expect(body).to.contain(message);
      }
    });

  it('of a PodTemplate are its own, and those of its template are left', async () => {
    const template = (managedFields: readonly object[]): KubernetesObject => ({
      kind: 'PodTemplate',
      apiVersion: 'v1',
      metadata: { name: 'web', namespace: 'shop' },
      template: { metadata: { labels: { app: 'web' }, managedFields }, spec: pod().spec },
    });
    const entry = [{ manager: 'kubectl', operation: 'Update' }];
    const update = (object: KubernetesObject, oldObject: KubernetesObject): string =>
      reviewOf(requestOf(object, { operation: 'UPDATE', oldObject }));
    const { answer, decisions } = handlerFor(plansOf());
    for (const [now, before] of [
      [entry, entry],
      [entry, []],
    ] as const) {
      const text = update(template(now), template(before));
      expect(found(text)).to.be.an('object');
      await answer(text);
      // With white space, and nothing is cut.
      await answer(text.replaceAll('"managedFields":[', '"managedFields": ['));
    }
    const told = decisions.map(({ because, outcome }) => because ?? outcome);
    expect(told).to.deep.equal([
      'the pod template is unchanged',
      'the pod template is unchanged',
      'reported',
      'reported',
    ]);
  });
});
