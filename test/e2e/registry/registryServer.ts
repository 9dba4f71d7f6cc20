import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { temporaryFolder } from '../../system/support/certificates.js';
import { debianPackage } from '../controlPlane/debianPackage.js';
import { freePort } from '../support/freePort.js';
import { OwnedProcess } from '../support/ownedProcess.js';
import { eventually } from '../support/wait.js';

/**
 * Debian's docker-registry, which is the CNCF's distribution, unpacked into the cache and not installed.
 * @throws BinariesError where it can be fetched neither from there nor from Debian
 */
export function registryBinary(say: (line: string) => void = () => undefined): string {
  const cacheFolder = join(homedir(), '.cache', 'kube-harden');
  const folder = debianPackage('docker-registry', { cacheFolder, env: process.env, say });
  return join(folder, 'usr', 'bin', 'docker-registry');
}

export interface RegistryServerOptions {
  /** Files of a certificate and its key. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  /** The registry's own `auth` section. */
  readonly auth?: object;
}

/** A registry on loopback, its images in a folder of its own. */
export class RegistryServer {
  private constructor(
    private readonly process: OwnedProcess,
    /** With port, as in an image's name. */
    readonly host: string,
    /** The folder of its images. */
    readonly storage: string,
  ) {}

  static async start({ tls, auth }: RegistryServerOptions = {}): Promise<RegistryServer> {
    const folder = temporaryFolder();
    const port = await freePort();
    const host = `127.0.0.1:${String(port)}`;
    const storage = join(folder, 'images');
    const config = {
      version: 0.1,
      log: { level: 'warn' },
      storage: { filesystem: { rootdirectory: storage } },
      http: {
        addr: host,
        secret: 'of-this-test',
        tls: tls && { certificate: tls.certFile, key: tls.keyFile },
      },
      auth,
    };
    const file = join(folder, 'config.yml');
    // It reads YAML, and so JSON.
    writeFileSync(file, JSON.stringify(config));
    const process = OwnedProcess.start({
      name: 'docker-registry',
      command: registryBinary(),
      args: ['serve', file],
      logFile: join(folder, 'registry.log'),
    });
    await eventually(`docker-registry listens (${folder}/registry.log)`, () => isListening(port));
    return new RegistryServer(process, host, storage);
  }

  async stop(): Promise<void> {
    await this.process.stop();
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.end());
  });
}
