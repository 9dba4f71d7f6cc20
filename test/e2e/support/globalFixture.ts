import { basename } from 'node:path';
import type { Context, RootHookObject, Suite } from 'mocha';
import { findBinaries } from '../controlPlane/binaries.js';
import { ControlPlane } from '../controlPlane/controlPlane.js';
import { cleanUpWhenInterrupted } from './interruption.js';
import { RunFolder } from './runFolder.js';
import { World, setWorld, world } from './world.js';

/** `control-plane` starts nothing else: for tests that need no webhook. */
const BARE = process.env['E2E_ONLY'] === 'control-plane';

let failed = false;

export async function mochaGlobalSetup(): Promise<void> {
  const began = performance.now();
  // First: what is missing on the machine is no run of which anything is kept.
  const binaries = findBinaries();
  const folder = RunFolder.create();
  // Who interrupts a run often wants to know what it was waiting for: the logs stay.
  cleanUpWhenInterrupted(() => folder.finish({ failed: true }));
  const controlPlane = await ControlPlane.start({ binaries, folder });
  const made = await World.create(controlPlane);
  setWorld(made);
  try {
    if (!BARE) await made.install();
  } catch (error) {
    // mocha calls no teardown then.
    await made.close();
    await controlPlane.stop({ failed: true });
    throw error;
  }
  const what = BARE ? 'control plane' : 'control plane, manifests and replicas';
  console.log(`  ${what} ready in ${secondsSince(began)} s`);
}

export async function mochaGlobalTeardown(): Promise<void> {
  await world().close();
  await world().controlPlane.stop({ failed });
  times.print();
}

/** Seconds by file, hooks included: the time since the last test of another file is that of its own hooks. */
class FileTimes {
  private readonly spent = new Map<string, number>();
  private last = 0;

  begin(): void {
    this.last = performance.now();
  }

  add(file: string): void {
    const now = performance.now();
    this.spent.set(file, (this.spent.get(file) ?? 0) + now - this.last);
    this.last = now;
  }

  print(): void {
    for (const [file, spent] of this.spent)
      console.log(`  ${(spent / 1000).toFixed(1).padStart(6)} s  ${file}`);
  }
}

const times = new FileTimes();

export const mochaHooks: RootHookObject = {
  beforeAll() {
    times.begin();
  },
  afterEach(this: Context) {
    times.add(basename(this.currentTest?.file ?? 'unknown'));
  },
  afterAll(this: Context) {
    const root = this.test?.parent;
    failed = root === undefined || hasFailed(root);
  },
};

/** Of a hook's failure `afterEach` is not told, nor of the tests that it kept from running. */
function hasFailed(suite: Suite): boolean {
  const { tests, suites } = suite;
  const hooks = ['_beforeAll', '_beforeEach', '_afterEach', '_afterAll'].flatMap(
    (name) => (suite as unknown as Record<string, { state?: string }[]>)[name] ?? [],
  );
  return [...tests, ...hooks].some(({ state }) => state === 'failed') || suites.some(hasFailed);
}

function secondsSince(began: number): string {
  return ((performance.now() - began) / 1000).toFixed(1);
}
