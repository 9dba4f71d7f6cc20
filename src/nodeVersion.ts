/** The oldest Node.js that runs this, as package.json's `engines` says. */
export const OLDEST_NODE = '20.19';

/**
 * Why this Node.js cannot run it, in one line; undefined where it can.
 *
 * @param running such as 18.20.4
 */
export function nodeProblem(running: string): string | undefined {
  const [major = 0, minor = 0] = running.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE.split('.').map(Number);
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return undefined;
  return `error: kube-harden needs Node.js ${OLDEST_NODE} or newer, and this is ${running}; install a newer one (https://nodejs.org)`;
}
