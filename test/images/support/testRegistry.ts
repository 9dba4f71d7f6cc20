import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { servingPair } from '../../system/support/certificates.js';
import type { Blob, BuiltImage } from './imageArchive.js';

/** A request as the registry saw it. */
export interface Seen {
  readonly url: string;
  readonly authorization: string | undefined;
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A registry on loopback that serves what it is given, and misbehaves as it is told. */
export class TestRegistry {
  readonly seen: Seen[] = [];
  /** Answers before everything else where it returns true. */
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean = () => false;
  private readonly answers = new Map<string, Answer>();
  private close: () => void = () => undefined;
  host = '';

  static async start({ tls = false } = {}): Promise<TestRegistry> {
    const registry = new TestRegistry();
    const handle: RequestListener = (request, response) => registry.handle(request, response);
    const server = tls ? createTlsServer(await servingPair(), handle) : createServer(handle);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    registry.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    registry.close = () => {
      server.closeAllConnections();
      server.close();
    };
    return registry;
  }

  stop(): void {
    this.close();
  }

  /** An image under a tag and its digest. */
  push(repository: string, image: BuiltImage, tag = 'latest'): void {
    for (const blob of [image.config, ...image.layers]) this.blob(repository, blob);
    this.manifest(repository, image.manifest, tag);
  }

  manifest(repository: string, manifest: Blob, ...references: string[]): void {
    for (const reference of [...references, manifest.digest])
      this.serve(`/v2/${repository}/manifests/${reference}`, manifest.bytes, manifest.mediaType);
  }

  blob(repository: string, { digest, bytes }: Blob): void {
    this.serve(`/v2/${repository}/blobs/${digest}`, bytes, 'application/octet-stream');
  }

  serve(path: string, body: Buffer | string, contentType = 'application/json', status = 200): void {
    this.answer(path, (_request, response) =>
      response.writeHead(status, { 'content-type': contentType }).end(body),
    );
  }

  redirect(path: string, location: string): void {
    this.answer(path, (_request, response) => response.writeHead(307, { location }).end());
  }

  answer(path: string, answer: Answer): void {
    this.answers.set(path, answer);
  }

  private handle(request: IncomingMessage, response: ServerResponse): void {
    const url = request.url ?? '';
    this.seen.push({ url, authorization: request.headers.authorization });
    if (this.intercept(request, response)) return;
    const answer = this.answers.get(url.replace(/\?.*$/, ''));
    if (answer) answer(request, response);
    else
      response
        .writeHead(404, { 'content-type': 'application/json' })
        .end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}');
  }
}
