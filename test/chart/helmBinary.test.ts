import { expect } from 'chai';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findHelm } from './support/helmBinary.js';

describe('chart: which helm the tests use', () => {
  let folder = '';
  let cached = '';

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'kube-harden-helm-'));
    cached = join(folder, 'cache', 'helm-v3.19.5', 'helm');
    mkdirSync(dirname(cached), { recursive: true });
    writeFileSync(cached, '');
  });
  after(() => rmSync(folder, { recursive: true }));

  /** A helm that says it is of this version. */
  function installed(version: string): string {
    const path = join(folder, version, 'helm');
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `#!/bin/sh\necho ${version}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  const found = (path: string): string =>
    findHelm({ env: { PATH: path }, cacheFolder: join(folder, 'cache') });

  for (const version of ['v3.19.0', 'v3.20.2', 'v3.100.1']) {
    it(`${version} on PATH`, () => {
      const helm = installed(version);
      expect(found(dirname(helm))).to.equal(helm);
    });
  }

  for (const version of ['v3.18.6', 'v3.2.1', 'v4.0.0', 'v2.17.0', 'unknown']) {
    it(`its own build, where PATH has ${version}`, () => {
      expect(found(dirname(installed(version)))).to.equal(cached);
    });
  }

  it('its own build, where PATH has none', () => expect(found('/nowhere')).to.equal(cached));
});
