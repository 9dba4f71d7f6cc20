import { Command } from 'commander';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PlanChoices } from '../policy/planChoices.js';
import { ListenError } from '../server/listenError.js';
import { Servers, type Addresses } from '../server/servers.js';
import { DecisionLog } from '../telemetry/decisionLog.js';
import { ProcessLogger } from '../telemetry/logger.js';
import { Metrics } from '../telemetry/metrics.js';
import { CommandError } from './commandError.js';
import { addServeFlags, serveSettings, type ServeSettings } from './serveFlags.js';
import type { ServeParts } from './serveParts.js';
import { standaloneParts } from './standaloneParts.js';
import { version } from './version.js';

const EXAMPLE = `
Every flag is also an environment variable, named beside it; the flag wins.
Exit status: 0 after a signal, 2 where it cannot start.

Example: make a certificate, serve on this machine only, ask whether it is ready
  $ kube-harden certs --if-missing
  $ kube-harden serve --admission-bind-address 127.0.0.1:8443 \\
      --preview-bind-address 127.0.0.1:9443 --ops-bind-address 127.0.0.1:8080
  $ curl http://127.0.0.1:8080/readyz?verbose`;

/** How long the last lines of the log are waited for, within what `Servers.stop` leaves of the grace period. */
const LAST_LINES_MS = 400;

/** `kube-harden serve`: the three listeners, until a signal comes. */
export function serveCommand(): Command {
  const command = new Command('serve').summary('run the admission webhook, the preview and the probes');
  command.description(
    'Runs the listeners: the admission webhook, the preview, and the probes and metrics. Without a cluster it runs ' +
      'standalone, on its built-in policies, and every namespace counts as enforce.',
  );
  return addServeFlags(command)
    .addHelpText('after', EXAMPLE)
    .action((flags: Record<string, unknown>) => serve(serveSettings(flags)));
}

async function serve(settings: ServeSettings): Promise<void> {
  const logger = new ProcessLogger({ level: settings.logLevel, format: settings.logFormat });
  const metrics = new Metrics({ version: version() });
  const { cluster } = settings;
  const [{ createAdmissionHandler }, parts] = await Promise.all([
    import('../admission/handler.js'),
    cluster === undefined
      ? standaloneParts({ ...settings, metrics, logger })
      : import('./clusterParts.js').then(({ clusterParts }) =>
          clusterParts({ ...settings, cluster, metrics, logger }),
        ),
  ]);
  const { plans, tls, checks, access, podSecurityMinor } = parts;
  const servers = new Servers({
    ...settings,
    handler: createAdmissionHandler({
      plans,
      observer: new DecisionLog(metrics, logger, settings.logDecisions),
    }),
    loadPreviewRoutes: async () => {
      const [{ previewRoutes }, { PreviewWorker }] = await Promise.all([
        import('../preview/routes.js'),
        import('../preview/previewWorker.js'),
      ]);
      // Run from its TypeScript, or from one file that holds everything, there is none: then no other thread either.
      const file = new URL('../preview/previewThread.js', import.meta.url);
      const thread = new PreviewWorker(file, {}, (why) => metrics.previewWorkerEnded(why));
      return previewRoutes({
        plans,
        policies: () => plans.policies,
        podSecurityMinor,
        worker: existsSync(file)
          ? { thread, inputsWith: (given: PlanChoices) => plans.inputsWith(given) }
          : undefined,
      });
    },
    previewAccess: access,
    tls,
    checks,
    metrics,
    logger,
  });
  let addresses: Addresses;
  try {
    addresses = await servers.start();
  } catch (error) {
    parts.close();
    throw error instanceof ListenError ? new CommandError(error.message, 2, { cause: error }) : error;
  }
  announce(addresses, settings, parts, logger);
  outliveErrors(logger, metrics);
  const signal = signalled(logger);
  parts.started();
  // After this turn of the event loop, so that a probe that is waiting is answered first.
  setImmediate(() => void finishLoading(servers, logger));

  logger.info('shutting down', { signal: await signal });
  const stopped = servers.stop({ delayMs: settings.shutdownDelayMs, graceMs: settings.shutdownGraceMs });
  // An API server that hangs must not keep the process beyond its grace period: the lease then runs out by itself.
  const graceEnds = sleep(settings.shutdownGraceMs * 0.9, undefined, { ref: false });
  await Promise.all([Promise.race([parts.leave(), graceEnds]), stopped]);
  parts.close();
  await logger.start();
  logger.info('stopped');
  // Half-open handshakes may still hold sockets: nobody is to wait for them, nor for a log that nobody reads.
  process.stdout.write('', () => process.exit(0));
  setTimeout(() => process.exit(0), LAST_LINES_MS);
}

/** Loads what readiness need not wait for, the logger first so that the lines so far come out. */
async function finishLoading(servers: Servers, logger: ProcessLogger): Promise<void> {
  try {
    await logger.start();
    await servers.warm();
  } catch (error) {
    // Each part is tried again when it is needed.
    logger.error('loading in the background failed', { error });
  }
}

function announce(
  addresses: Addresses,
  settings: ServeSettings,
  { mode, namespaces }: ServeParts,
  logger: ProcessLogger,
): void {
  const readyMs = Math.round(performance.now());
  const urls = {
    admission: `https://${addresses.admission}/mutate`,
    preview: addresses.preview === undefined ? undefined : `https://${addresses.preview}/preview`,
    ops: `http://${addresses.ops}/readyz`,
  };
  if (settings.logFormat === 'json') {
    logger.info('listening', { ...urls, mode, namespaces, version: version() });
    logger.info('ready', { ms: readyMs });
    return;
  }
  process.stdout.write(
    [
      `kube-harden ${version()}, ${mode}: ${namespaces}`,
      `  admission  ${urls.admission}`,
      `  preview    ${urls.preview ?? 'off'}`,
      `  ops        ${urls.ops}`,
      `ready in ${readyMs} ms`,
      '',
    ].join('\n'),
  );
}

/** Resolves with the first SIGTERM or SIGINT; a second one ends the process at once, as one who waits expects. */
function signalled(logger: ProcessLogger): Promise<string> {
  return new Promise((resolve) => {
    let seen = false;
    const exitCodes = { SIGTERM: 143, SIGINT: 130 } as const;
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      process.on(name, () => {
        if (seen) {
          logger.warn('second signal: stopping at once', { signal: name });
          process.exit(exitCodes[name]);
        }
        seen = true;
        resolve(name);
      });
    }
  });
}

/** A bug in one request must not take all others down: it is logged with its stack, counted, and outlived. */
function outliveErrors(logger: ProcessLogger, metrics: Metrics): void {
  const report = (message: string) => (error: unknown) => {
    metrics.uncaughtErrors.inc();
    logger.error(message, { error });
  };
  process.on('uncaughtException', report('uncaught exception'));
  process.on('unhandledRejection', report('unhandled rejection'));
}
