import { readFileSync } from 'node:fs';

const DOCKERFILE = new URL('../../Dockerfile', import.meta.url);

/**
 * The flags that the image gives to Node.js, so that what is tested and measured is started as it is shipped.
 *
 * @throws Error where the Dockerfile's ENTRYPOINT is none of `node FLAGS main.js`
 */
export function imageNodeFlags(): readonly string[] {
  const entrypoint = /^ENTRYPOINT (\[.*\])$/m.exec(readFileSync(DOCKERFILE, 'utf8'))?.[1] ?? '[]';
  const [node, ...words] = JSON.parse(entrypoint) as string[];
  const main = words.pop();
  if (node?.endsWith('/node') !== true || main?.endsWith('/main.js') !== true)
    throw new Error(`Dockerfile: ENTRYPOINT ${entrypoint} does not start main.js with node`);
  return words;
}
