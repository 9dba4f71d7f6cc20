import type { ApiObject } from './apiClient.js';
import { UnreachableError } from './unreachableError.js';

/**
 * The objects of a list, or of a page of one. Go writes an empty list as `[]`, and one that was never made as null.
 *
 * @throws UnreachableError where the answer is no list: what stands between us and the API server may answer anything
 *   with 200
 */
export function listItems(answer: ApiObject): readonly ApiObject[] {
  const { items } = answer;
  if (items === null) return [];
  if (!Array.isArray(items)) throw new UnreachableError('the answer to a list has no items');
  return items as ApiObject[];
}
