import type { LearnedProfile, Way } from '../learn/observation.js';
import type { CopyVerification } from './learnVerify.js';

/** What was learned of a container, or of all replicas of it. */
export interface Learned extends LearnedProfile {
  readonly container: string;
  /** As the pod names it. */
  readonly image: string;
  /** When and how it was looked at. */
  readonly looks: readonly { readonly pod: string; readonly way: Way; readonly at: string }[];
}

/** What is printed on standard output. */
export async function learnedText(
  learned: readonly Learned[],
  verification: CopyVerification | undefined,
  format: 'yaml' | 'json',
): Promise<string> {
  if (format === 'json')
    return `${JSON.stringify({ learned, ...(verification && { verification }) }, null, 2)}\n`;
  const [{ profileYaml }, { byImage, united }] = await Promise.all([
    import('../learn/learnedYaml.js'),
    import('../learn/united.js'),
  ]);
  return byImage(learned)
    .map((each) => profileYaml(united(each)))
    .join('');
}
