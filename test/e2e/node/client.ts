import { eventually } from '../support/wait.js';
import { makeNamespace, world } from '../support/world.js';
import { CLIENT } from './images/client.js';
import { sleeper } from './sleeper.js';

let client: Promise<string> | undefined;

export interface ClientReply {
  readonly code: number;
  readonly output: string;
}

/** Runs sh in the client's pod, which is made with the first call. Whatever the code is, it is an answer. */
export async function inClient(script: string, env: Readonly<Record<string, string>>): Promise<ClientReply> {
  client ??= startClient();
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const { code, stdout, stderr } = await world().controlPlane.kubectl([
    ...['exec', '--namespace', await client, 'client', '--', 'env', ...variables],
    ...['sh', '-c', script],
  ]);
  // kubectl's own word for the code.
  const output = `${stdout}${stderr}`.replace(/^command terminated with exit code \d+\n/m, '');
  return { code, output };
}

/** In a namespace of its own, which no policy touches. */
async function startClient(): Promise<string> {
  const { controlPlane } = world();
  const namespace = await makeNamespace();
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const { status, body } = await controlPlane.api('POST', path, sleeper('client', CLIENT.name));
  if (status !== 201) throw new Error(`client not made: ${JSON.stringify(body)}`);
  await eventually(
    'the client running',
    async () => (await controlPlane.api('GET', `${path}/client`)).body.status.phase === 'Running',
    30_000,
  );
  return namespace;
}
