import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { readdir, readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

/** One file of the preview page, as it is answered. */
interface WebFile {
  readonly contentType: string;
  readonly body: Buffer;
  /** The body compressed, where that is smaller. */
  readonly gzipped: Buffer | undefined;
  /** Strong: of the bytes of `body`. A compressed answer carries it with `-gzip`, since its bytes are others. */
  readonly hash: string;
  readonly cacheControl: string;
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** A file whose name holds a hash of its content never changes; the page itself is asked for anew each time. */
const IMMUTABLE = 'public, max-age=31536000, immutable';
const REVALIDATE = 'no-cache';

/**
 * What the page may do: load its own files and ask this listener, nothing else. No inline script or style, no frame
 * around it, no form that leaves. A worker keeps to the policy of its own file, so every file carries it.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  // The editor's marks for errors are images in its style sheet; such an address is asked of nobody.
  "img-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  vary: 'accept-encoding',
};

/** Where `npm run build` puts the page: dist/web, beside dist/server. */
export const BUILT_WEB = new URL('../web/', import.meta.url);

/** The preview page: `/` and what lies under `/assets/`, read once and kept in memory (0.7 MB). */
export class WebFiles {
  private constructor(private readonly files: ReadonlyMap<string, WebFile>) {}

  /** @returns no file at all where the page has not been built */
  static async load(folder: URL = BUILT_WEB): Promise<WebFiles> {
    const files = new Map<string, WebFile>();
    // Where the sources run without a build (tests, scripts) the folder is src/web, which has an index.html too.
    const assets = await orMissing(readdir(new URL('assets/', folder)));
    if (assets === undefined) return new WebFiles(files);
    files.set('/', await webFile('index.html', await readFile(new URL('index.html', folder)), REVALIDATE));
    for (const name of assets) {
      const body = await readFile(new URL(`assets/${name}`, folder));
      files.set(`/assets/${name}`, await webFile(name, body, IMMUTABLE));
    }
    return new WebFiles(files);
  }

  /** Whether a request is for a file of the page. Nothing of these files is secret. */
  has({ method, url = '' }: Pick<IncomingMessage, 'method' | 'url'>): boolean {
    return (method === 'GET' || method === 'HEAD') && this.files.has(pathOf(url));
  }

  /** Answers a request that `has` said yes to. */
  send(req: IncomingMessage, res: ServerResponse, close: boolean): void {
    const file = this.files.get(pathOf(req.url ?? ''));
    if (file === undefined) throw new Error(`there is no ${req.url ?? ''} among the files of the page`);
    const gzipped = acceptsGzip(req.headers['accept-encoding']) ? file.gzipped : undefined;
    const body = gzipped ?? file.body;
    const etag = gzipped === undefined ? `"${file.hash}"` : `"${file.hash}-gzip"`;
    const headers = {
      ...HEADERS,
      etag,
      'cache-control': file.cacheControl,
      ...(close ? { connection: 'close' } : undefined),
    };
    if (matches(req.headers['if-none-match'], etag)) {
      res.writeHead(304, headers).end();
      return;
    }
    res.writeHead(200, {
      ...headers,
      'content-type': file.contentType,
      'content-length': body.length,
      ...(gzipped === undefined ? undefined : { 'content-encoding': 'gzip' }),
    });
    // Node.js leaves the body out of an answer to HEAD.
    res.end(body);
  }
}

async function webFile(name: string, body: Buffer, cacheControl: string): Promise<WebFile> {
  const gzipped = await promisify(gzip)(body, { level: 9 });
  return {
    contentType: CONTENT_TYPES[extname(name)] ?? 'application/octet-stream',
    body,
    gzipped: gzipped.length < body.length ? gzipped : undefined,
    hash: createHash('sha256').update(body).digest('base64url').slice(0, 22),
    cacheControl,
  };
}

async function orMissing<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A query at the page's address changes nothing. */
function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? '';
}

function acceptsGzip(header: string | undefined): boolean {
  return (header ?? '')
    .toLowerCase()
    .split(',')
    .some((coding) => /^\s*(?:gzip|\*)\s*(?:;\s*q=(?!0(?:\.0*)?\s*$).*)?$/.test(coding));
}

/** @param header of `If-None-Match`: tags in quotes, weak ones too, or `*` */
function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, '')));
}
