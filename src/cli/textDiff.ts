import { FILE_HEADERS_ONLY, createTwoFilesPatch } from 'diff';
import { withEndedNames } from '../preview/diff.js';

/** A search for the shortest diff of two long texts that have little in common takes minutes. */
const TIMEOUT_MS = 2000;

/**
 * A unified diff between any two texts, of the form that `patch -p1` and `git apply` take.
 *
 * @param name the file's path: `a/NAME` and `b/NAME` stand in the head
 */
export function textDiff(name: string, before: string, after: string): string {
  // `patch` takes no path that leads out of the folder it is called in.
  const inside = name.replace(/^(?:\.{0,2}[\\/])+/, '');
  const diff = createTwoFilesPatch(`a/${inside}`, `b/${inside}`, before, after, undefined, undefined, {
    context: 3,
    timeout: TIMEOUT_MS,
    headerOptions: FILE_HEADERS_ONLY,
  });
  return diff !== undefined ? withEndedNames(diff) : `(${name}: too different to be shown line by line)\n`;
}
