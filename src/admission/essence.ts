import { hash } from 'node:crypto';
import type { ManagedFields } from './managedFields.js';

/**
 * What a decision depends on, of a review as kube-apiserver writes it. Pods that a controller makes from one template
 * come as the same text but for the request's uid, the time and fields in managedFields (40 % of a review of 10 KB,
 * measured), and the five letters that the ServiceAccount plugin gives to its volume. Without those they are one text,
 * and since a decision is made from that text and nothing else, it can be kept by it: see decisionMemory.ts.
 */
export interface Essence {
  readonly uid: string;
  /** A whole review: with a uid of our own, with no entry in managedFields, with `TOKEN_VOLUME` for the name of that volume. */
  readonly text: string;
  /**
   * What the text is known by: its SHA-256 in base64, for which nobody finds another text. Made in half the time in which a
   * Map finds the text itself, and kept in a hundredth of the memory.
   */
  readonly digest: string;
}

/** No object can have a volume of this name. */
const TOKEN_VOLUME = 'kube-api-access-*****';
/** What says that name, even where it was cut short. */
export const TOKEN_MARK = 'kube-api-access-*';

/** Longer reviews are rare, and to take one apart makes copies of it. */
const CHARACTERS_MAX = 64 * 1024;

/** Go writes the fields of a struct in the struct's order, and reviews are structs. */
const HEAD = '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"';
const OWN_UID = 'kept';
const UID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const UID_LENGTH = 36;
/** One that has a name is the only one of that name, and no other will say the same: bare Pods, those of StatefulSets. */
const POD = '"object":{"kind":"Pod","apiVersion":"v1","metadata":{"generateName":"';

const TOKEN = '{"name":"kube-api-access-';
const TOKEN_NAME_AT = '{"name":"'.length;
const AS_VOLUME = '","projected":{';
const AS_MOUNT = '","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}';

/**
 * @param text an AdmissionReview, decoded from UTF-8, not looked at yet
 * @param managed its object's managedFields, see `managedFieldsOf`
 * @returns undefined where it is not of a Pod without a name, in the form that kube-apiserver gives it
 */
export function essenceOf(text: string, managed: ManagedFields): Essence | undefined {
  if (managed === 'unclear' || text.length > CHARACTERS_MAX || !text.startsWith(HEAD)) return undefined;
  const uidEnd = HEAD.length + UID_LENGTH;
  const pod = text.indexOf(POD, uidEnd);
  if (pod === -1) return undefined;
  const uid = text.slice(HEAD.length, uidEnd);
  if (!UID.test(uid)) return undefined;
  const { start, end } = managed === 'none' ? { start: pod, end: pod } : managed;
  // Volumes and mounts are in the spec, behind all of it.
  const own = HEAD + OWN_UID + text.slice(uidEnd, start) + withOneTokenName(text.slice(end));
  // Lone surrogates would all count as one character; text that was decoded has none.
  return { uid, text: own, digest: hash('sha256', own, 'base64') };
}

/** Only as the name of that volume and of its mounts: what else has the same name keeps it. */
function withOneTokenName(text: string): string {
  const at = text.indexOf(TOKEN);
  if (at === -1) return text;
  const name = text.slice(at + TOKEN_NAME_AT, at + TOKEN_NAME_AT + TOKEN_VOLUME.length);
  const parts = text.split(name);
  const isToken = (part: string, index: number): boolean =>
    index === 0 || part.startsWith(AS_VOLUME) || part.startsWith(AS_MOUNT);
  const isName = (part: string, index: number): boolean =>
    index === parts.length - 1 || part.endsWith('{"name":"');
  return parts.every(isToken) && parts.every(isName) ? parts.join(TOKEN_VOLUME) : text;
}
