import { X509Certificate, createPrivateKey, sign } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { clientPair, servingPair } from '../../system/support/certificates.js';

const ISSUER = 'the tests';
const SERVICE = 'docker-registry';

/**
 * Gives tokens that a registry accepts, to whoever knows the password. The registry trusts them by the certificate
 * authority of the tests.
 * @see https://distribution.github.io/distribution/spec/auth/jwt
 */
export class TokenServer {
  /** Query and Authorization of what was asked. */
  readonly asked: { query: string; authorization: string | undefined }[] = [];

  private constructor(
    private readonly server: Server,
    private readonly signer: { cert: string; key: string },
  ) {}

  static async start(username: string, password: string): Promise<TokenServer> {
    const accepted = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    const signer = await clientPair('token signer');
    const server = createServer(await servingPair());
    const tokens = new TokenServer(server, signer);
    server.on('request', ({ url = '', headers: { authorization } }, response) => {
      const { searchParams, search } = new URL(url, 'https://x');
      tokens.asked.push({ query: search, authorization });
      if (authorization !== accepted) {
        response.writeHead(401).end();
        return;
      }
      const [, name = '', actions = ''] = (searchParams.get('scope') ?? '').split(':');
      response.end(JSON.stringify({ token: tokens.token(name, actions.split(',')) }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return tokens;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  /** The section `auth` of the registry that trusts it. */
  auth(caFile: string): object {
    const { port } = this.server.address() as AddressInfo;
    const realm = `https://127.0.0.1:${String(port)}/token`;
    return { token: { realm, service: SERVICE, issuer: ISSUER, rootcertbundle: caFile } };
  }

  /** A JSON Web Token, signed with a key whose certificate it carries. */
  token(repository: string, actions: readonly string[]): string {
    const now = Math.floor(Date.now() / 1000);
    const { cert, key } = this.signer;
    const header = { typ: 'JWT', alg: 'ES256', x5c: [new X509Certificate(cert).raw.toString('base64')] };
    const claims = {
      iss: ISSUER,
      aud: SERVICE,
      sub: '',
      exp: now + 300,
      nbf: now - 10,
      iat: now,
      jti: String(now),
      access: [{ type: 'repository', name: repository, actions }],
    };
    const signed = [header, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const signature = sign('sha256', Buffer.from(signed), {
      key: createPrivateKey(key),
      dsaEncoding: 'ieee-p1363',
    });
    return `${signed}.${signature.toString('base64url')}`;
  }
}
