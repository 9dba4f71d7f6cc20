import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { authority } from '../../system/support/certificates.js';
import type { Blob, BuiltImage } from '../../images/support/imageArchive.js';

/** Where to push, and the Authorization header that lets us. */
export interface Target {
  readonly base: string;
  readonly repository: string;
  readonly authorization?: string | undefined;
}

/** Pushes an image under a tag. Source: distribution-spec v1.1, "Push". */
export async function pushImage(target: Target, image: BuiltImage, tag: string): Promise<void> {
  for (const blob of [image.config, ...image.layers]) await pushBlob(target, blob);
  await pushManifest(target, image.manifest, tag);
}

export async function pushManifest(target: Target, manifest: Blob, reference: string): Promise<void> {
  const path = `/v2/${target.repository}/manifests/${reference}`;
  await put(target, path, manifest.bytes, manifest.mediaType);
}

async function pushBlob(target: Target, { digest, bytes }: Blob): Promise<void> {
  const location = await send(target, 'POST', `/v2/${target.repository}/blobs/uploads/`, 202);
  const upload = new URL(location, target.base);
  upload.searchParams.set('digest', digest);
  await put(target, upload.href, bytes, 'application/octet-stream');
}

async function put(target: Target, path: string, body: Buffer, contentType: string): Promise<void> {
  await send(target, 'PUT', path, 201, { body, contentType });
}

/** @returns the answer's Location */
function send(
  { base, authorization }: Target,
  method: string,
  path: string,
  expected: number,
  { body, contentType }: { body?: Buffer; contentType?: string } = {},
): Promise<string> {
  const url = new URL(path, base);
  const headers = {
    ...(authorization !== undefined && { authorization }),
    ...(contentType !== undefined && { 'content-type': contentType }),
    'content-length': body?.length ?? 0,
  };
  const make = url.protocol === 'https:' ? tlsRequest : plainRequest;
  return new Promise((resolve, reject) => {
    const request = make(url, { method, headers, ca: authority.cert, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk) => (text += String(chunk)));
      response.on('end', () => {
        if (response.statusCode === expected) resolve(response.headers.location ?? '');
        else reject(new Error(`${method} ${url.href}: ${String(response.statusCode)} ${text}`));
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}
