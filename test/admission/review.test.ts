import { expect } from 'chai';
import { Buffer } from 'node:buffer';
import { decodeReview, encodeReview } from '../../src/admission/review.js';
import { ReviewError } from '../../src/admission/reviewError.js';
import type { Decision } from '../../src/admission/types.js';
import { pod, requestOf, responseOf, reviewOf } from './support/reviews.js';

const request = requestOf(pod());

/** A review with one field of its request replaced; undefined takes it out. */
function withField(field: string, value: unknown): string {
  return reviewOf({ ...request, [field]: value });
}

/** A review whose pod has so many annotations, besides the 20-odd fields that it has anyway. */
function withAnnotations(count: number, value = 'v'): Buffer {
  const annotations = Object.fromEntries(Array.from({ length: count }, (_, key) => [`k${key}`, value]));
  return Buffer.from(withField('object', { ...pod(), metadata: { name: 'web', annotations } }));
}

describe('AdmissionReview in', () => {
  it('has at most 250,000 fields, objects or lists: more can take JSON.parse a second', () => {
    const text = 'the body has more than 250000 fields, objects or lists: nothing in a cluster has so many';
    expect(() => decodeReview(withAnnotations(250_000))).to.throw(ReviewError, text);
    // What is not JSON either is not read further than that.
    const keys = Array.from({ length: 250_001 }, (_, key) => `"k${key}" : 1`).join();
    expect(() => decodeReview(Buffer.from(`{${keys}`))).to.throw(ReviewError, text);
    expect(decodeReview(withAnnotations(249_900)).object).to.be.an('object');
  });

  it('counts no colon that stands in a text, whatever is escaped there', () => {
    const colons = ':'.repeat(1_000_000);
    for (const text of [colons, `\\"${colons}`, `${colons}\\`, `"\\\\"${colons}é`]) {
      const { object } = decodeReview(withAnnotations(2, text));
      expect(object).to.have.nested.property('metadata.annotations.k1', text);
    }
  });

  const bad: [what: string, body: string | Buffer, message: RegExp][] = [
    ['nothing', '', /^the body is empty/],
    ['white space', ' \n', /^the body is not JSON/],
    ['no JSON', 'apiVersion: admission.k8s.io/v1', /^the body is not JSON/],
    ['half of it', reviewOf(request).slice(0, 200), /^the body is not JSON/],
    ['more after it', `${reviewOf(request)}{}`, /^the body is not JSON/],
    ['a byte order mark', `\ufeff${reviewOf(request)}`, /^the body is not JSON/],
    ['UTF-16', Buffer.from(reviewOf(request), 'utf16le'), /^the body is not (JSON|UTF-8)/],
    ['Latin-1', Buffer.from(withField('name', 'wéb'), 'latin1'), /^the body is not UTF-8/],
    [
      'a lone continuation byte',
      Buffer.concat([Buffer.from(reviewOf(request)), Buffer.from([0x80])]),
      /not UTF-8/,
    ],
    ['an overlong encoding', Buffer.from([0x22, 0xc0, 0xaf, 0x22]), /not UTF-8/],
    ['a surrogate as bytes', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), /not UTF-8/],
    ['null', 'null', /^the body is null: expected an AdmissionReview/],
    ['an array', '[]', /^the body is a list/],
    ['a number', '7', /^the body is 7/],
    ['a string', '"AdmissionReview"', /^the body is "AdmissionReview"/],
    ['{}', '{}', /^kind: .* is not AdmissionReview/],
    ['another kind', '{"kind":"Pod","apiVersion":"v1"}', /^kind: "Pod" is not AdmissionReview/],
    [
      'no version',
      '{"kind":"AdmissionReview"}',
      /^apiVersion: .* is not supported; use admission\.k8s\.io\/v1$/,
    ],
    [
      'v1beta1',
      '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1","request":{}}',
      /^apiVersion: "admission.k8s.io\/v1beta1" is not supported; use admission\.k8s\.io\/v1$/,
    ],
    ['no request', reviewOf(undefined), /^request: is missing/],
    ['request: null', reviewOf(null), /^request: is missing/],
    ['request: []', reviewOf([]), /^request: a list/],
    ['request: 1', reviewOf(1), /^request: 1 /],
    ...[0, 'x', {}, [null], ['debug']].map((ephemeralContainers): [string, string, RegExp] => [
      `ephemeral containers ${JSON.stringify(ephemeralContainers)} before`,
      reviewOf({
        ...request,
        operation: 'UPDATE',
        subResource: 'ephemeralcontainers',
        oldObject: pod({ ephemeralContainers }),
      }),
      /^request\.oldObject\.spec\.ephemeralContainers: it is not a list of containers$/,
    ]),
    ['no uid', withField('uid', undefined), /^request\.uid: is missing/],
    ['an empty uid', withField('uid', ''), /^request\.uid: is missing/],
    ['a uid that is a number', withField('uid', 1), /^request\.uid: 1 /],
    ['no kind', withField('kind', undefined), /^request\.kind: is missing/],
    ['a kind that is a string', withField('kind', 'Pod'), /^request\.kind: "Pod"/],
    ['half a kind', withField('kind', { version: 'v1' }), /^request\.kind\.kind: is missing/],
    [
      'a group that is null',
      withField('kind', { ...request.kind, group: null }),
      /^request\.kind\.group: null/,
    ],
    ['no operation', withField('operation', undefined), /^request\.operation: is missing/],
    ['a namespace that is a list', withField('namespace', []), /^request\.namespace: a list is not a string/],
    [
      'a namespace of more characters than any name has',
      withField('namespace', 'n'.repeat(254)),
      /^request\.namespace: a name of 254 characters; none has more than 253/,
    ],
    [
      "the same in the object's own metadata",
      withField('object', { metadata: { namespace: 'n'.repeat(254) } }),
      /^request\.object\.metadata\.namespace: a name of 254 characters/,
    ],
    ['a name that is an object', withField('name', {}), /^request\.name: an object is not a string/],
    [
      'a subresource that is a number',
      withField('subResource', 1),
      /^request\.subResource: 1 is not a string/,
    ],
    ['no object', withField('object', undefined), /^request\.object: is missing/],
    ['object: null', withField('object', null), /^request\.object: is missing/],
    ['object: []', withField('object', []), /^request\.object: a list/],
    ['object: "x"', withField('object', 'x'), /^request\.object: "x"/],
    ['no oldObject on UPDATE', withField('operation', 'UPDATE'), /^request\.oldObject: is missing/],
    [
      'an oldObject that is a list',
      reviewOf({ ...request, operation: 'UPDATE', oldObject: [] }),
      /^request\.oldObject: a list/,
    ],
  ];
  for (const [what, body, message] of bad) {
    it(`refuses ${what}`, () => {
      expect(() => decodeReview(Buffer.from(body as string))).to.throw(ReviewError, message);
    });
  }

  it('says no more of a long value than its beginning', () => {
    expect(() => decodeReview(Buffer.from(withField('object', 'x'.repeat(100_000))))).to.throw(/^.{1,120}$/);
  });

  it('takes a request that leaves out what the API server leaves out', () => {
    const { uid, kind, operation, object } = request;
    const minimal = { uid, kind: { version: 'v1', kind: kind.kind }, operation, object };
    const decoded = decodeReview(Buffer.from(reviewOf(minimal)));
    expect(decoded).to.deep.include({
      uid,
      operation,
      object,
      kind: { group: '', version: 'v1', kind: 'Pod' },
    });
  });

  for (const operation of ['DELETE', 'CONNECT']) {
    it(`takes a ${operation} without an object`, () => {
      expect(decodeReview(Buffer.from(reviewOf({ ...request, operation, object: null }))).uid).to.equal(
        request.uid,
      );
    });
  }

  for (const userInfo of [undefined, null, 7, 'root', [], { username: 7, groups: 'system:nodes' }]) {
    it(`takes userInfo ${JSON.stringify(userInfo)} for nobody`, () => {
      const decoded = decodeReview(Buffer.from(withField('userInfo', userInfo)));
      expect(decoded.userInfo?.username).to.equal(undefined);
      expect(decoded.userInfo?.groups ?? []).to.deep.equal([]);
    });
  }

  it('leaves out groups that are no strings', () => {
    const userInfo = { username: 'jane', groups: [7, 'a', null, ['system:nodes']] };
    expect(decodeReview(Buffer.from(withField('userInfo', userInfo))).userInfo).to.deep.equal({
      username: 'jane',
      groups: ['a'],
    });
  });
});

describe('AdmissionReview out', () => {
  const decision: Decision = {
    outcome: 'unchanged',
    changes: [],
    skips: [],
    violations: [],
    patch: [],
    warnings: [],
  };

  it('echoes the uid, whatever it is', () => {
    for (const uid of ['a', '"', 'ü\u2028', '\ud800', '../']) {
      expect(responseOf({ body: encodeReview({ ...request, uid }, decision) }).uid).to.equal(uid);
    }
  });

  it('names version and kind, and leaves out what is empty', () => {
    expect(JSON.parse(encodeReview(request, decision))).to.deep.equal({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: {
        uid: request.uid,
        allowed: true,
        auditAnnotations: { policy: '', mode: '', changed: '', skipped: '', violated: '' },
      },
    });
  });

  it('has patch and patchType together', () => {
    const patch = [{ op: 'add' as const, path: '/x', value: 'ü' }];
    const response = responseOf({ body: encodeReview(request, { ...decision, outcome: 'patched', patch }) });
    expect(response.patchType).to.equal('JSONPatch');
    expect(response.operations).to.deep.equal(patch);
  });

  it('has no audit annotations where nothing was decided', () => {
    const response = responseOf({ body: encodeReview(request, { ...decision, outcome: 'ignored' }) });
    expect(response).to.not.have.any.keys('auditAnnotations', 'patch', 'patchType', 'warnings', 'status');
  });

  it('prints no control character in a warning', () => {
    const warnings = ['a\nb\r\t\u0000\u001b[31m\u007f\u0085é\u2028'];
    const response = responseOf({ body: encodeReview(request, { ...decision, warnings }) });
    expect(response.warnings).to.deep.equal(['a?b????[31m????']);
  });
});
