import { expect } from 'chai';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PolicyChange } from '../../src/policy/policyFile.js';
import { signature, watchPolicyPath } from '../../src/policy/policyFile.js';
import { PolicyError } from '../../src/policy/policyError.js';

const policy = (name: string): string =>
  `apiVersion: kube-harden.io/v1alpha1\nkind: HardeningPolicy\nmetadata: {name: ${name}}\nspec: {}\n`;

describe('watchPolicyPath', () => {
  let folder: string;
  let watching: { close(): void } | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kube-harden-'));
  });
  afterEach(() => {
    watching?.close();
    rmSync(folder, { recursive: true });
  });

  /** What the next change comes to. */
  function watch(path: string): () => Promise<PolicyChange> {
    const changes: PolicyChange[] = [];
    let wake: (() => void) | undefined;
    watching = watchPolicyPath(path, (change) => {
      changes.push(change);
      wake?.();
    });
    return async () => {
      if (changes.length === 0)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      const change = changes.shift();
      if (!change) throw new Error('no change');
      return change;
    };
  }
  const names = (change: PolicyChange) =>
    'policies' in change ? change.policies.map(({ name }) => name) : change.error;

  it('loads a file that is written again, and reports one that is broken', async () => {
    const file = join(folder, 'p.yaml');
    writeFileSync(file, policy('one'));
    const next = watch(file);
    writeFileSync(file, policy('two'));
    expect(names(await next())).to.deep.equal(['two']);
    writeFileSync(file, 'kind: Pod\n');
    expect(names(await next())).to.be.instanceOf(PolicyError);
    writeFileSync(file, policy('three'));
    expect(names(await next())).to.deep.equal(['three']);
  });

  it('sees what has changed since the signature that it is given', async () => {
    const file = join(folder, 'p.yaml');
    writeFileSync(file, policy('one'));
    const seen = signature(file);
    writeFileSync(file, policy('two'));
    const changes: PolicyChange[] = [];
    watching = watchPolicyPath(file, (change) => changes.push(change), seen);
    while (changes.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(changes.map(names)).to.deep.equal([['two']]);
  });

  it("sees an editor's rename", async () => {
    const file = join(folder, 'p.yaml');
    writeFileSync(file, policy('one'));
    const next = watch(file);
    writeFileSync(`${file}.new`, policy('two'));
    renameSync(`${file}.new`, file);
    expect(names(await next())).to.deep.equal(['two']);
  });

  it("sees a ConfigMap's swap of links", async () => {
    for (const version of ['v1', 'v2']) {
      mkdirSync(join(folder, version));
      writeFileSync(join(folder, version, 'p.yaml'), policy(version));
    }
    symlinkSync('v1', join(folder, '..data'));
    symlinkSync('..data/p.yaml', join(folder, 'p.yaml'));
    const next = watch(folder);
    symlinkSync('v2', join(folder, '..tmp'));
    renameSync(join(folder, '..tmp'), join(folder, '..data'));
    expect(names(await next())).to.deep.equal(['v2']);
  });

  it('reports a file that is gone, and takes it when it is back', async () => {
    const file = join(folder, 'p.yaml');
    writeFileSync(file, policy('one'));
    const next = watch(file);
    rmSync(file);
    expect(names(await next()))
      .to.be.instanceOf(Error)
      .with.property('code', 'ENOENT');
    writeFileSync(file, policy('one'));
    expect(names(await next())).to.deep.equal(['one']);
  });

  it('is silent after close', async () => {
    const file = join(folder, 'p.yaml');
    writeFileSync(file, policy('one'));
    let calls = 0;
    watching = watchPolicyPath(file, () => calls++);
    watching.close();
    writeFileSync(file, policy('two'));
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(calls).to.equal(0);
  });
});
