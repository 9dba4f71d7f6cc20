import { Scalar, isScalar } from 'yaml';
import { keyText, resolvePlain } from '../policy/yamlScalar.js';
import { NotEditable } from './notEditable.js';

export function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.source === '<<' && key.type === Scalar.PLAIN;
}

/** A key as it is called in the data: `8080` and `on` are texts there. */
export function keyOf(key: unknown): string {
  if (!isScalar(key)) throw new NotEditable('a key that is not a plain text');
  const text = key.source ?? String(key.value);
  return key.type === Scalar.PLAIN && key.tag === undefined ? keyText(resolvePlain(text), text) : text;
}
