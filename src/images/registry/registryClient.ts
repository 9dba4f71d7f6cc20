import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { isRecord } from '../../hardening/locate.js';
import { DIGEST, VerifiedBytes, collect } from '../archive/verifiedBytes.js';
import { ImageError } from '../imageError.js';
import { MAX_MANIFEST_BYTES } from '../imageLimits.js';
import { INDEX_TYPES, MANIFEST_TYPES, type Descriptor } from '../imageManifest.js';
import { parseChallenge, type Challenge } from './challenge.js';
import { credentialsFor, dockerConfigFile, type Credentials } from './credentials.js';
import { ConnectionError, bytesOf, send, type HttpRequest } from './httpGet.js';

export interface RegistryOptions {
  /** A registry's name to the one that is asked in its place, perhaps with a path: `mirror.example/dockerhub`. */
  readonly mirrors?: ReadonlyMap<string, string> | undefined;
  /** Hosts whose certificate is not checked, or that speak plain HTTP. */
  readonly insecure?: ReadonlySet<string> | undefined;
  /** Certificates (PEM) that are trusted beside those of Node.js. */
  readonly ca?: readonly string[] | undefined;
  /** Where docker's configuration and credential helpers are looked for. */
  readonly env?: NodeJS.ProcessEnv | undefined;
}

/** A manifest as a registry serves it. */
export interface ServedManifest {
  readonly body: Buffer;
  readonly digest: string;
}

/** Docker Hub's API has another name than its images. */
const API_HOSTS: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' };

/** Registries redirect once, to the store of their blobs; curl gives up after 50, browsers after 20. */
const MAX_REDIRECTS = 5;

/** Of a token server's answer, and of an error's text. */
const MAX_ANSWER_BYTES = 2 ** 20;

/**
 * Reads one repository of a registry. Own code on Node.js' http: what npm has either keeps layers in memory, or checks no
 * digests and knows no plain HTTP (ADR 8).
 * Source: opencontainers/distribution-spec v1.1; distribution, "Token Authentication".
 */
export class RegistryClient {
  /** The host that is asked: the registry's, or its mirror's. */
  readonly host: string;
  private readonly path: string;
  private base: URL | undefined;
  private authorization: string | undefined;
  private hasCredentials = false;

  /** @param repository normalised: `docker.io/library/nginx` */
  constructor(
    readonly repository: string,
    private readonly options: RegistryOptions = {},
  ) {
    const [registry, path] = splitFirst(repository);
    const mirror = options.mirrors?.get(registry);
    const [host, prefix] = splitFirst(mirror ?? registry);
    this.host = host;
    this.path = prefix === '' ? path : `${prefix}/${path}`;
  }

  /**
   * A manifest or index by tag or digest.
   * @throws ImageError
   */
  async manifest(reference: string): Promise<ServedManifest> {
    const what = `${this.repository}${reference.includes(':') ? '@' : ':'}${reference}`;
    const accept = [...MANIFEST_TYPES, ...INDEX_TYPES].join(', ');
    const response = await this.get(`manifests/${reference}`, what, accept);
    const bytes = bytesOf(response, `the manifest of ${what}`);
    const checked = DIGEST.test(reference)
      ? new VerifiedBytes(bytes, { digest: reference }, `the manifest of ${what}`)
      : bytes;
    const body = await collect(checked, MAX_MANIFEST_BYTES, `the manifest of ${what}`);
    const sha256 = `sha256:${createHash('sha256').update(body).digest('hex')}`;
    return { body, digest: DIGEST.test(reference) ? reference : sha256 };
  }

  /**
   * A blob's bytes, not yet checked against its digest.
   * @throws ImageError
   */
  async *blob({ digest }: Descriptor): AsyncGenerator<Buffer> {
    const what = `${this.repository}@${digest}`;
    yield* bytesOf(await this.get(`blobs/${digest}`, what, '*/*'), what);
  }

  /** Asks once more, with what the registry demands, where the first answer is 401; never a third time. */
  private async get(path: string, what: string, accept: string): Promise<IncomingMessage> {
    const base = (this.base ??= await this.findBase());
    const url = new URL(`/v2/${this.path}/${path}`, base);
    let response = await this.follow(url, accept, what);
    if (response.statusCode === 401) {
      const challenge = parseChallenge([response.headers['www-authenticate'] ?? ''].flat().join(', '));
      response.destroy();
      if (!challenge)
        throw new ImageError(`${this.host} answers 401 for ${what}, and does not say how to log in`);
      this.authorization = await this.authorize(challenge, what);
      response = await this.follow(url, accept, what);
    }
    if (response.statusCode === 200) return response;
    throw await this.refusal(response, what);
  }

  /** The registry's credentials go to the registry only, never to where it redirects. */
  private async follow(start: URL, accept: string, what: string): Promise<IncomingMessage> {
    let url = start;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const own = url.origin === start.origin && this.authorization !== undefined;
      const response = await this.send(url, {
        headers: { accept, ...(own && { authorization: this.authorization ?? '' }) },
      });
      const { statusCode = 0, headers } = response;
      if (![301, 302, 303, 307, 308].includes(statusCode)) {
        if (statusCode !== 401 || url.origin === start.origin) return response;
        // Its challenge would choose to whom the registry's credentials are told.
        response.destroy();
        throw new ImageError(`${url.host}, where ${start.host} redirects ${what}, answers 401`);
      }
      response.destroy();
      const next = headers.location === undefined ? undefined : parseUrl(headers.location, url);
      if (!next) throw new ImageError(`${url.host} redirects ${what} to nowhere`);
      if (next.protocol !== 'https:' && url.protocol === 'https:' && !this.isInsecure(next.host))
        throw new ImageError(
          `${url.host} redirects ${what} to plain HTTP on ${next.host}, which is not followed`,
        );
      url = next;
    }
    throw new ImageError(`${start.host} redirects ${what} more than ${MAX_REDIRECTS} times`);
  }

  /** HTTPS; plain HTTP only where that is allowed and nothing else is spoken. */
  private async findBase(): Promise<URL> {
    const host = API_HOSTS[this.host] ?? this.host;
    const secure = parseUrl(`https://${host}`);
    if (!secure) throw new ImageError(`${JSON.stringify(this.host)} is no host of a registry`);
    if (!this.isInsecure(secure.host)) return secure;
    try {
      (await send(new URL('/v2/', secure), this.tls(secure))).destroy();
      return secure;
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      // It speaks TLS, and would answer plain HTTP with a 400.
      if (UNTRUSTED.test(error.code)) throw unreachable(secure, error);
      const plain = new URL(`http://${host}`);
      try {
        (await send(new URL('/v2/', plain))).destroy();
        return plain;
      } catch {
        throw unreachable(secure, error);
      }
    }
  }

  private async send(url: URL, request: HttpRequest): Promise<IncomingMessage> {
    try {
      return await send(url, { ...request, ...this.tls(url) });
    } catch (error) {
      throw error instanceof ConnectionError ? unreachable(url, error) : error;
    }
  }

  private tls(url: URL): Pick<HttpRequest, 'ca' | 'trustsAll'> {
    return { ca: this.options.ca, trustsAll: this.options.insecure?.has(url.host) };
  }

  /** As docker: this machine's own registries may speak plain HTTP. */
  private isInsecure(host: string): boolean {
    if (this.options.insecure?.has(host)) return true;
    const { hostname } = new URL(`http://${host}`);
    const name = hostname.replace(/^\[(.*)\]$/, '$1');
    return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
  }

  /** @returns the Authorization header */
  private async authorize(challenge: Challenge, what: string): Promise<string> {
    const credentials = await credentialsFor(this.host, this.options.env);
    this.hasCredentials = credentials !== undefined;
    if (credentials?.kind === 'registryToken') return `Bearer ${credentials.token}`;
    if (challenge.scheme === 'Bearer') return `Bearer ${await this.token(challenge, credentials, what)}`;
    if (credentials?.kind === 'password') return basic(credentials);
    throw this.needsLogin(what);
  }

  private async token(
    { realm, service, scope }: Extract<Challenge, { scheme: 'Bearer' }>,
    credentials: Credentials | undefined,
    what: string,
  ): Promise<string> {
    const url = parseUrl(realm, this.base);
    if (!url || (url.protocol !== 'https:' && (url.protocol !== 'http:' || !this.isInsecure(url.host))))
      throw new ImageError(`${this.host} wants a token from ${JSON.stringify(realm)}, which is not HTTPS`);
    const query = new URLSearchParams({
      ...(service !== undefined && { service }),
      scope: scope ?? `repository:${this.path}:pull`,
    });
    const response = await this.send(url, this.tokenRequest(url, query, credentials));
    if (response.statusCode === 401 || response.statusCode === 403) throw await this.refusal(response, what);
    if (response.statusCode !== 200)
      throw new ImageError(
        `${url.host} answers ${response.statusCode ?? 0} where a token for ${what} is asked for`,
      );
    const text = await collect(bytesOf(response, 'the token'), MAX_ANSWER_BYTES, `the token of ${url.host}`);
    const { token, access_token: accessToken } = jsonOrNothing(text);
    const found = [token, accessToken].find((value) => typeof value === 'string' && value !== '');
    // What is put into a header has to be one line.
    if (typeof found !== 'string' || /[^\x21-\x7e]/.test(found))
      throw new ImageError(`${url.host} gives no token for ${what}`);
    return found;
  }

  /** GET is what every token server knows; only an identity token has to be posted. Writes the query into the URL. */
  private tokenRequest(url: URL, query: URLSearchParams, credentials: Credentials | undefined): HttpRequest {
    if (credentials?.kind === 'identityToken') {
      query.set('grant_type', 'refresh_token');
      query.set('client_id', 'kube-harden');
      query.set('refresh_token', credentials.token);
      return { form: query };
    }
    for (const [name, value] of query) url.searchParams.set(name, value);
    return credentials?.kind === 'password' ? { headers: { authorization: basic(credentials) } } : {};
  }

  private async refusal(response: IncomingMessage, what: string): Promise<ImageError> {
    const { statusCode = 0 } = response;
    const said = errorText(await collect(bytesOf(response, 'the answer'), MAX_ANSWER_BYTES, 'the answer'));
    if (statusCode === 401 || statusCode === 403) return this.needsLogin(what, statusCode);
    if (statusCode === 404) return new ImageError(`there is no ${what} on ${this.host}${said}`);
    if (statusCode === 429)
      return new ImageError(
        `${this.host} answers 429, too many requests: log in with docker login, or wait${said}`,
      );
    return new ImageError(`${this.host} answers ${statusCode} for ${what}${said}`);
  }

  private needsLogin(what: string, status = 401): ImageError {
    const file = dockerConfigFile(this.options.env);
    return new ImageError(
      this.hasCredentials
        ? `${this.host} answers ${status} for ${what}: the credentials of ${file} are not enough, or there is no such image`
        : `${this.host} answers ${status} for ${what}: there is no such image, or it asks for credentials (docker login ${this.host})`,
    );
  }
}

function splitFirst(text: string): [string, string] {
  const slash = text.indexOf('/');
  return slash < 0 ? [text, ''] : [text.slice(0, slash), text.slice(slash + 1).replace(/\/+$/, '')];
}

function parseUrl(text: string, base?: URL): URL | undefined {
  return URL.canParse(text, base?.href) ? new URL(text, base) : undefined;
}

function basic({ username, password }: Extract<Credentials, { kind: 'password' }>): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function jsonOrNothing(text: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text.toString('utf8'));
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

/** `: manifest unknown`, from the error document of the distribution specification. */
function errorText(body: Buffer): string {
  const { errors } = jsonOrNothing(body);
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  const message = isRecord(first) ? (first['message'] ?? first['code']) : undefined;
  return typeof message === 'string' ? `: ${message.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 200)}` : '';
}

const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/;

function unreachable(url: URL, error: ConnectionError): ImageError {
  const { code, message } = error;
  let reason = message.split('\n')[0] ?? '';
  if (UNTRUSTED.test(code))
    reason = `its certificate is not trusted (${code}): give its CA with --certificate-authority, or --insecure ${url.host}`;
  else if (code === 'EPROTO' || code.startsWith('ERR_SSL'))
    reason = `it does not speak TLS (${code}): if plain HTTP is meant, --insecure ${url.host}`;
  else if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') reason = `there is no such host (${code})`;
  return new ImageError(`${url.host} cannot be asked: ${reason}`, { cause: error });
}
