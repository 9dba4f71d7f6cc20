import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isRecord } from '../../hardening/locate.js';
import { ImageError } from '../imageError.js';

/** What a registry is shown: a name and password, or a token that its token server exchanges for another. */
export type Credentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  | { readonly kind: 'identityToken'; readonly token: string }
  | { readonly kind: 'registryToken'; readonly token: string };

/** Docker Hub's key in config.json, of its first version. */
const DOCKER_HUB_KEY = 'https://index.docker.io/v1/';

/** A helper may ask a keychain, which may ask the user. */
const HELPER_TIMEOUT_MS = 60_000;

/** Where `docker login` keeps credentials. */
export function dockerConfigFile(env: NodeJS.ProcessEnv = process.env): string {
  return join(env['DOCKER_CONFIG'] || join(homedir(), '.docker'), 'config.json');
}

/**
 * What docker's configuration says of a registry: its own helper (`credHelpers`), else the store (`credsStore`), else
 * what is written there (`auths`).
 * @param registry as in an image's name: `docker.io`, `registry.example:5000`
 * @throws ImageError where the file or a helper cannot be used; that there is no file is none
 * @see https://docs.docker.com/reference/cli/docker/login/
 */
export async function credentialsFor(
  registry: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Credentials | undefined> {
  const file = dockerConfigFile(env);
  const config = await readConfig(file);
  const key = registry === 'docker.io' ? DOCKER_HUB_KEY : registry;
  const helpers = isRecord(config['credHelpers']) ? config['credHelpers'] : {};
  const helper = helpers[registry] ?? helpers[key] ?? config['credsStore'];
  const kept = typeof helper === 'string' && helper !== '' ? await askHelper(helper, key, env) : undefined;
  return kept ?? written(config['auths'], registry, key, file);
}

async function readConfig(file: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return {};
    throw new ImageError(`${file} cannot be read (${String(code)})`, { cause: error });
  }
  try {
    const value: unknown = JSON.parse(text);
    if (isRecord(value)) return value;
  } catch {
    // Said below: the message of JSON.parse shows parts of the file, and with them credentials.
  }
  throw new ImageError(`${file} is not a JSON object`);
}

function written(auths: unknown, registry: string, key: string, file: string): Credentials | undefined {
  if (!isRecord(auths)) return undefined;
  const wanted = [key, registry].map(hostOf);
  const name =
    Object.keys(auths).find((entry) => entry === key) ??
    Object.keys(auths).find((entry) => wanted.includes(hostOf(entry)));
  const entry = name === undefined ? undefined : auths[name];
  if (!isRecord(entry)) return undefined;
  const { auth, username, password, identitytoken, registrytoken } = entry;
  if (typeof registrytoken === 'string' && registrytoken !== '')
    return { kind: 'registryToken', token: registrytoken };
  if (typeof identitytoken === 'string' && identitytoken !== '')
    return { kind: 'identityToken', token: identitytoken };
  if (typeof auth === 'string' && auth !== '') {
    const pair = Buffer.from(auth, 'base64').toString('utf8');
    const colon = pair.indexOf(':');
    if (colon < 0) throw new ImageError(`${file}: "auth" of ${name ?? key} is not base64 of NAME:PASSWORD`);
    return {
      kind: 'password',
      username: pair.slice(0, colon),
      password: pair.slice(colon + 1).replace(/\0+$/, ''),
    };
  }
  if (typeof username === 'string' && username !== '' && typeof password === 'string')
    return { kind: 'password', username, password };
  return undefined;
}

/** Old entries are URLs: `https://registry.example/v2/`. */
function hostOf(entry: string): string {
  return entry.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
}

/** Source: docker/docker-credential-helpers, README and credentials/error.go. */
const NO_CREDENTIALS =
  /credentials not found in native keychain|no credentials server URL|no credentials username/;

/** @returns undefined where the helper has none for this registry */
async function askHelper(
  name: string,
  key: string,
  env: NodeJS.ProcessEnv,
): Promise<Credentials | undefined> {
  // It becomes part of a program's name: nothing in it may choose another folder.
  if (!/^[\w.-]+$/.test(name))
    throw new ImageError(`docker's configuration names a credential helper ${JSON.stringify(name)}`);
  const program = `docker-credential-${name}`;
  const { output, failure } = await runHelper(program, key, env);
  if (failure !== undefined) {
    if (NO_CREDENTIALS.test(output)) return undefined;
    throw new ImageError(`${program} gives no credentials for ${key}: ${failure}`);
  }
  let answer: unknown;
  try {
    answer = JSON.parse(output);
  } catch {
    answer = undefined;
  }
  const { Username: username, Secret: secret } = isRecord(answer) ? answer : {};
  if (typeof username !== 'string' || typeof secret !== 'string')
    throw new ImageError(`${program} gives no credentials for ${key}: its answer is none`);
  if (username === '<token>') return { kind: 'identityToken', token: secret };
  return { kind: 'password', username, password: secret };
}

function runHelper(
  program: string,
  key: string,
  env: NodeJS.ProcessEnv,
): Promise<{ output: string; failure: string | undefined }> {
  return new Promise((resolve) => {
    const child = execFile(program, ['get'], { env, timeout: HELPER_TIMEOUT_MS }, (error, stdout) => {
      if (!error) resolve({ output: stdout, failure: undefined });
      else if (error.code === 'ENOENT') resolve({ output: '', failure: 'it is not on PATH' });
      else
        resolve({
          output: stdout,
          failure: error.killed === true ? 'no answer in 60 s' : `it ended with ${String(error.code)}`,
        });
    });
    // A helper that does not read ends the pipe; its own exit says what is wrong.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(key);
  });
}
