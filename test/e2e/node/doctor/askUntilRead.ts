import { pause } from '../../support/wait.js';

const TRIES = 10;
const BETWEEN_MS = 3000;

/**
 * Asks the doctor, or what uses its words, anew where the kubelet took a container's log away while it was being read:
 * containers restart every second here. What it says of it is a line of `outputOf`.
 */
export async function askUntilRead<A>(ask: () => Promise<A>, outputOf: (answer: A) => string): Promise<A> {
  for (let left = TRIES; ; left -= 1) {
    const answer = await ask();
    if (left === 0 || !/^ {4}not read: previous log /m.test(outputOf(answer))) return answer;
    await pause(BETWEEN_MS);
  }
}
