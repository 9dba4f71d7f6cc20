import type { Choices } from './choices.js';

/** What a link carries: everything but the token. */
export interface Shared {
  readonly text: string;
  readonly choices: Choices;
}

/**
 * Characters of a link. Safari takes 80,000, the others more; what chat programs and mail cut off is not ours to know.
 */
export const MAX_LINK = 64_000;

/** What a link's input may come to: the listener takes no more either, and a few kB could be made to unpack to more. */
const MAX_SHARED_BYTES = 20 * 1024 * 1024;

const PREFIX = '#v1.';

/**
 * The fragment of an address, which no browser sends to a server.
 *
 * @returns `#v1.` and base64url of deflated JSON
 */
export async function toFragment(shared: Shared): Promise<string> {
  const deflated = new Blob([JSON.stringify(shared)])
    .stream()
    .pipeThrough(new CompressionStream('deflate-raw'));
  const bytes = new Uint8Array(await new Response(deflated).arrayBuffer());
  return PREFIX + base64url(bytes);
}

/** @returns undefined where there is nothing, or nothing that can be read */
export async function fromFragment(fragment: string): Promise<Shared | undefined> {
  if (!fragment.startsWith(PREFIX)) return undefined;
  try {
    const bytes = fromBase64url(fragment.slice(PREFIX.length));
    const inflated = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
    const value: unknown = JSON.parse(await limitedText(inflated));
    return isShared(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function base64url(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));
}

async function limitedText(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  let text = '';
  for (let size = 0; ;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    size += value.length;
    if (size > MAX_SHARED_BYTES) {
      await reader.cancel();
      throw new RangeError(`a link unpacks to more than ${MAX_SHARED_BYTES} bytes`);
    }
    text += decoder.decode(value, { stream: true });
  }
}

function isShared(value: unknown): value is Shared {
  if (typeof value !== 'object' || value === null || !('text' in value) || !('choices' in value))
    return false;
  const { text, choices } = value;
  if (typeof text !== 'string' || typeof choices !== 'object' || choices === null) return false;
  const given = choices as Record<string, unknown>;
  return (
    ['namespace', 'policy', 'mode', 'version', 'labels'].every((name) => typeof given[name] === 'string') &&
    Array.isArray(given['off']) &&
    given['off'].every((rule) => typeof rule === 'string')
  );
}
