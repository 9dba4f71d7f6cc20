import { isAscii, isUtf8 } from 'node:buffer';
import { isRecord, podAt } from '../hardening/locate.js';
import { ruleIds, type RuleId } from '../hardening/rule.js';
import { describeValue } from '../hardening/validatePod.js';
import { hasMoreParts } from './partCount.js';
import { ReviewError } from './reviewError.js';
import { jsonString } from './jsonString.js';
import { printable } from './text.js';
import type { AdmissionRequest, Decision } from './types.js';

const API_VERSION = 'admission.k8s.io/v1';
/**
 * Fields, objects, or lists. So many take JSON.parse most of a second where they are chosen for that (2,500 objects, each with a
 * hundred keys of its own). 10,000 containers, old and new together, have this many with a dozen fields each; what runs in
 * clusters has a few thousand.
 */
const PARTS_MAX = 250_000;

/**
 * Decodes an AdmissionReview.
 *
 * @param body the bytes of the request, UTF-8
 * @throws ReviewError that says what is wrong and where; nothing is ever read as `{}`
 */
export function decodeReview(body: Buffer): AdmissionRequest {
  return decodeText(reviewText(body));
}

/**
 * The same, of the text of `reviewText`.
 *
 * @param uid instead of the text's own
 */
export function decodeText(text: string, uid?: string): AdmissionRequest {
  const review = parse(text);
  if (!isRecord(review))
    throw new ReviewError(`the body is ${describeValue(review)}: expected an AdmissionReview`);
  if (review['kind'] !== 'AdmissionReview') {
    throw new ReviewError(`kind: ${found(review['kind'])} is not AdmissionReview`);
  }
  if (review['apiVersion'] !== API_VERSION) {
    throw new ReviewError(`apiVersion: ${found(review['apiVersion'])} is not supported; use ${API_VERSION}`);
  }
  return checkRequest(review['request'], uid);
}

/** @throws ReviewError where it is empty, not UTF-8, or has too many fields to be read */
export function reviewText(body: Buffer): string {
  if (body.length === 0) throw new ReviewError('the body is empty: expected an AdmissionReview');
  if (hasMoreParts(body, PARTS_MAX))
    throw new ReviewError(
      `the body has more than ${PARTS_MAX} fields, objects or lists: nothing in a cluster has so many`,
    );
  // Mostly it is, and then the bytes need no decoding.
  if (isAscii(body)) return body.toString('latin1');
  // Buffer.toString would replace bad bytes silently, and so change what a user wrote.
  if (!isUtf8(body)) throw new ReviewError('the body is not UTF-8');
  return body.toString('utf8');
}

function found(value: unknown): string {
  return value === undefined ? 'missing, which' : describeValue(value);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new ReviewError(`the body is not JSON: ${(error as Error).message.slice(0, 200)}`, {
      cause: error,
    });
  }
}

/** Four times what an API server takes: it is looked up, and stands in logs and errors. */
const MAX_NAMESPACE = 253;

function checkRequest(request: unknown, otherUid?: string): AdmissionRequest {
  if (!isRecord(request)) throw new ReviewError(`request: ${describeMissing(request)}`);
  const { uid, kind, operation, object, oldObject } = request;
  if (typeof uid !== 'string' || uid === '') throw new ReviewError(`request.uid: ${describeMissing(uid)}`);
  if (!isRecord(kind)) throw new ReviewError(`request.kind: ${describeMissing(kind)}`, { uid });
  // Go leaves out an empty group: the core API's.
  for (const field of ['version', 'kind']) {
    if (typeof kind[field] !== 'string')
      throw new ReviewError(`request.kind.${field}: ${describeMissing(kind[field])}`, { uid });
  }
  if (kind['group'] !== undefined && typeof kind['group'] !== 'string') {
    throw new ReviewError(`request.kind.group: ${describeValue(kind['group'])} is not a string`, { uid });
  }
  if (typeof operation !== 'string')
    throw new ReviewError(`request.operation: ${describeMissing(operation)}`, { uid });
  for (const field of ['namespace', 'name', 'subResource']) {
    const value = request[field];
    if (value !== undefined && value !== null && typeof value !== 'string') {
      throw new ReviewError(`request.${field}: ${describeValue(value)} is not a string`, { uid });
    }
  }
  const own: unknown =
    isRecord(object) && isRecord(object['metadata']) ? object['metadata']['namespace'] : '';
  for (const [place, namespace] of [
    ['namespace', request['namespace']],
    ['object.metadata.namespace', own],
  ] as const) {
    if (typeof namespace !== 'string' || namespace.length <= MAX_NAMESPACE) continue;
    const message = `a name of ${namespace.length} characters; none has more than ${MAX_NAMESPACE}`;
    throw new ReviewError(`request.${place}: ${message}`, { uid });
  }
  if ((operation === 'CREATE' || operation === 'UPDATE') && !isRecord(object)) {
    throw new ReviewError(`request.object: ${describeMissing(object)}`, { uid });
  }
  // Without it nobody can tell whether a template has changed, and unknown is not "no".
  if (operation === 'UPDATE' && !isRecord(oldObject)) {
    throw new ReviewError(`request.oldObject: ${describeMissing(oldObject)}`, { uid });
  }
  // Of the rest of what was there before nothing is relied on.
  if (request['subResource'] === 'ephemeralcontainers' && !hasContainerList(oldObject)) {
    throw new ReviewError('request.oldObject.spec.ephemeralContainers: it is not a list of containers', {
      uid,
    });
  }
  // Checked above, field by field; of what else there is nothing is read. A copy of the whole request would cost more.
  const given = request as unknown as AdmissionRequest;
  return {
    uid: otherUid ?? uid,
    kind: { group: kind['group'] ?? '', version: given.kind.version, kind: given.kind.kind },
    operation,
    subResource: given.subResource,
    namespace: given.namespace,
    name: given.name,
    object: given.object,
    oldObject: given.oldObject,
    userInfo: userInfo(request['userInfo']),
    dryRun: given.dryRun,
  };
}

function hasContainerList(oldObject: unknown): boolean {
  const list: unknown = podAt(oldObject, [])?.spec.ephemeralContainers ?? [];
  return Array.isArray(list) && list.every(isRecord);
}

function userInfo(given: unknown): AdmissionRequest['userInfo'] {
  if (!isRecord(given)) return undefined;
  const { username, groups } = given;
  return {
    username: typeof username === 'string' ? username : undefined,
    groups: Array.isArray(groups) ? (groups.every(isText) ? groups : groups.filter(isText)) : undefined,
  };
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function describeMissing(value: unknown): string {
  return value === undefined || value === null || value === ''
    ? 'is missing'
    : `${describeValue(value)} is not what belongs here`;
}

/** The answer to a request, as JSON text. */
export function encodeReview(request: Pick<AdmissionRequest, 'uid'>, decision: Decision): string {
  return answerTo(request.uid, encodeDecision(decision).text);
}

/** @param rest of `encodeDecision` */
export function answerTo(uid: string, rest: string): string {
  return HEAD + jsonString(uid) + rest;
}

/**
 * All of an answer that follows the uid: the only place where a response is put together. Only ASCII, and put together as
 * text: JSON.stringify would look at each character of the patch once more.
 *
 * @param mark looked for in what the answer says, before it is encoded
 */
export function encodeDecision(
  decision: Decision,
  mark?: string,
): { readonly text: string; readonly isMarked: boolean } {
  const { outcome, patch, warnings } = decision;
  const patchText = patch.length > 0 ? JSON.stringify(patch) : '';
  let text = `,"allowed":${outcome === 'denied' ? 'false' : 'true'}`;
  if (outcome === 'denied')
    text += `,"status":{"code":403,"reason":"Forbidden","message":${jsonString(decision.message ?? 'denied')}}`;
  if (patch.length > 0) text += `,"patchType":"JSONPatch","patch":"${base64(patchText)}"`;
  if (warnings.length > 0)
    text += `,"warnings":[${warnings.map((warning) => jsonString(printable(warning))).join(',')}]`;
  if (outcome !== 'ignored') text += `,"auditAnnotations":${auditAnnotations(decision)}`;
  const isMarked = mark !== undefined && (patchText.includes(mark) || text.includes(mark));
  return { text: `${text}}}`, isMarked };
}

/** For one text at a time: with a buffer for each it takes twice as long (1.5 and 0.7 µs for 2 KB, measured). */
const scratch = Buffer.allocUnsafeSlow(64 * 1024);
/** A UTF-16 unit is one to three bytes of UTF-8. */
const SCRATCH_CHARACTERS = scratch.length / 3;

function base64(text: string): string {
  if (text.length > SCRATCH_CHARACTERS) return Buffer.from(text).toString('base64');
  return scratch.toString('base64', 0, scratch.write(text));
}

const HEAD = `{"apiVersion":"${API_VERSION}","kind":"AdmissionReview","response":{"uid":`;

/** Without `/` in keys, and never read from the object's own annotation, which its author can forge. */
function auditAnnotations({ outcome, plan, changes, skips, violations }: Decision): string {
  // Not what a refused object, or a template that is only warned about, would have got.
  const isChanged = outcome === 'patched' || plan?.mode === 'audit';
  const policy = jsonString(plan?.policy ?? '');
  const ids = (told: readonly { readonly rule: RuleId }[]): string => jsonString(ruleIds(told).join(','));
  const lists = `"changed":${isChanged ? ids(changes) : '""'},"skipped":${ids(skips)},"violated":${ids(violations)}`;
  return `{"policy":${policy},"mode":"${plan?.mode ?? ''}",${lists}}`;
}
