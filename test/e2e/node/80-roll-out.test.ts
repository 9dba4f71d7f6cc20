import { expect } from 'chai';
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findBinaries } from '../controlPlane/binaries.js';
import { MAIN } from '../support/kubeHarden.js';
import { looksLike, pageCommands } from '../support/pageBlocks.js';
import { runScript, type ScriptResult } from '../support/shell.js';
import { eventually, pause } from '../support/wait.js';
import { world } from '../support/world.js';
import { inClient } from './client.js';
import { askUntilRead } from './doctor/askUntilRead.js';
import { chosenPrograms } from './programChoice.js';
import { caddy } from './programs/caddy.js';
import { httpd } from './programs/httpd.js';
import { mariadb } from './programs/mariadb.js';
import { nginx } from './programs/nginx.js';
import { postgres } from './programs/postgres.js';
import type { Program } from './programs/program.js';
import { redis } from './programs/redis.js';
import { Scheduler } from './scheduler.js';
import { theNode } from './theNode.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const PAGE = join(ROOT, 'docs', 'roll-out.md');
const FILES = join(ROOT, 'docs', 'examples', 'roll-out');
/** With a value the page's outputs are written anew instead of compared. */
const WRITES = process.env['E2E_WRITE_PAGE'] === '1';

/** Those whose images the ten workloads run. */
const NEEDED = [nginx, httpd, caddy, postgres, mariadb, redis];

/** The shop's own images: here well-known programs under names that no catalogue has. */
const OWN: Readonly<Record<string, readonly [Program, string]>> = {
  reports: [nginx, 'registry.example/shop/reports:2.0'],
  cart: [redis, 'registry.example/shop/cart:1.4'],
  uploads: [httpd, 'registry.example/shop/uploads:3.1'],
};

/** Labels and policies take effect within two seconds. */
const EFFECT_MS = 3_000;
/** A pod that does not come up has said why by then. */
const SYMPTOM_MS = 90_000;

/** As the kernel and httpd say it. */
const HTTPD_FAILS =
  '(30)Read-only file system: AH00099: could not create /usr/local/apache2/logs/httpd.pid...';

describe('docs/roll-out.md, from audit to enforce', function () {
  this.timeout(600_000);
  const page = readFileSync(PAGE, 'utf8');
  const outputs: string[] = [];
  let folder = '';
  let bin = '';
  let scheduler: Scheduler | undefined;
  let hasFailed = false;

  before(async function () {
    if (!NEEDED.every((program) => chosenPrograms().includes(program))) this.skip();
    const { controlPlane } = world();
    folder = controlPlane.folder.file('roll-out');
    cpSync(FILES, folder, { recursive: true });
    bin = controlPlane.folder.file('bin');
    mkdirSync(bin);
    const plugin = join(bin, 'kubectl-harden');
    writeFileSync(plugin, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
    chmodSync(plugin, 0o755);
    for (const [program, name] of Object.values(OWN)) await theNode().nameImage(program.image.name, name);
    scheduler = new Scheduler('shop');
  });
  after(async () => {
    await scheduler?.stop();
    await world().controlPlane.kubectl(['delete', 'namespace', 'shop', '--wait=false']);
    if (WRITES) writeFileSync(PAGE, withOutputs(page, outputs));
  });

  for (const command of pageCommands(page)) {
    const [first = ''] = command.script.split('\n');
    it(`${command.section}: ${first}`, async function () {
      // Each step is made of those before it.
      if (hasFailed) this.skip();
      hasFailed = true;
      const learnt = / learn deployment\/(\w+)/.exec(command.script)?.[1];
      if (learnt !== undefined) await use(learnt);
      if (command.script.includes(' doctor ')) await untilGone();
      if (/ doctor .*\|\|/.test(command.script)) await untilCrashed('uploads');
      const { code, output } = await askUntilRead(
        () => run(command.script),
        (result) => result.output,
      );
      expect(code === 0, output).to.equal(command.expected === 'success');
      if (command.output !== undefined) {
        outputs.push(output);
        if (!WRITES)
          expect(
            looksLike(command.output, output),
            `another output than the page shows:\n${output}`,
          ).to.equal(true);
      }
      if (/label namespace|apply/.test(command.script)) await pause(EFFECT_MS);
      hasFailed = false;
    });
  }

  function run(script: string): Promise<ScriptResult> {
    const { controlPlane } = world();
    return runScript(script, {
      cwd: folder,
      env: { KUBECONFIG: controlPlane.adminKubeconfig, HOME: controlPlane.folder.path },
      folders: [bin, join(findBinaries().kubectl, '..')],
    });
  }
});

interface ShopPod {
  readonly metadata: { readonly deletionTimestamp?: string };
  readonly status: {
    readonly podIP?: string;
    readonly containerStatuses?: readonly { readonly restartCount: number; readonly ready: boolean }[];
  };
}

function podsOf(workload: string): Promise<readonly ShopPod[]> {
  return shopPods(`?labelSelector=app%3D${workload}`);
}

async function shopPods(query = ''): Promise<readonly ShopPod[]> {
  const path = `/api/v1/namespaces/shop/pods${query}`;
  return (await world().controlPlane.api<{ items: readonly ShopPod[] }>('GET', path)).body.items;
}

/** What its users do: something is written by way of the program. */
async function use(workload: string): Promise<void> {
  const [program] = OWN[workload] ?? [];
  const works = ({ status: { containerStatuses: [main] = [] } }: ShopPod): boolean =>
    main?.ready === true && main.restartCount === 0;
  const pod = (await podsOf(workload)).find(works);
  if (program === undefined || pod?.status.podIP === undefined) throw new Error(`${workload} is not there`);
  const { code, output } = await inClient(program.write, { HOST: pod.status.podIP, VALUE: 'v1' });
  expect(code, output).to.equal(0);
}

/** A roll-out is over before the last of its old pods has gone, and the doctor counts those that are there. */
async function untilGone(): Promise<void> {
  const areGone = async (): Promise<boolean> =>
    (await shopPods()).every(({ metadata }) => metadata.deletionTimestamp === undefined);
  await eventually('the old pods gone', areGone, SYMPTOM_MS, 500);
}

async function untilCrashed(workload: string): Promise<void> {
  const hasCrashed = async (): Promise<boolean> =>
    (await podsOf(workload)).some(({ status }) => (status.containerStatuses?.[0]?.restartCount ?? 0) >= 2);
  await eventually(`${workload} crashed twice`, hasCrashed, SYMPTOM_MS, 500);
}

/** The page with other outputs, one for each of its blocks: what differs each time stands in it as the page says. */
function withOutputs(page: string, outputs: readonly string[]): string {
  const left = [...outputs];
  return page.replaceAll(/(<!-- output -->\n```text\n)[^]*?(```)/g, (block, head: string, end: string) => {
    const output = left.shift();
    return output === undefined ? block : `${head}${steady(output)}${end}`;
  });
}

/** What is made up by Kubernetes, counted, timed or random, and how many times something failed, is left out. */
function steady(output: string): string {
  const text = VOLATILE.reduce((shown, [what, instead]) => shown.replaceAll(what, instead), output)
    .replaceAll(/[ \t]+$/gm, '')
    .trimEnd();
  return text === '' ? '' : `${text}\n`;
}

const VOLATILE: readonly (readonly [RegExp, string])[] = [
  [/(?<=-)(?=[a-z]*\d)[a-z0-9]{6,10}-[a-z0-9]{5}\b/g, 'XXXXXXXXXX-XXXXX'],
  [/(?<=-learn-)[a-z0-9]{5}\b/g, 'XXXXX'],
  [/\d+ (?:s|min|h)(?= after its start)/g, '...'],
  [/(?<=\(pid )(?!1\))[\d, ]+(?=\))/g, '...'],
  [/(?<=of deployment\/uploads: )\w+ of container "main", \d+\s+restarts?/g, '...'],
  [/\d+(?= logs read)/g, '...'],
  [/(?<=expires: ")[\d-]+/g, '...'],
  // What is quoted of a container that starts again and again: of this log, of the one before, or of both.
  [/(?:^ {4}container "main",.*\n {6}> \[.*\n)+/gm, `...\n      > [...] ${HTTPD_FAILS}\n...\n`],
  [/(?<=httpd\.pid)\.\w{6}/g, '...'],
  [/(?:^Waiting for .*\n)+/gm, '...\n'],
  // The new pod of uploads runs and crashes: what learn says of it depends on when it looks.
  [/(?:^note: .*\buploads-.*\n)+/gm, '...\n'],
];
