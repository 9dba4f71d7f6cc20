import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

describe('a machine that cannot run a node', () => {
  for (const [what, without, reason] of [
    ['is not used by root', ['--reuid=65534', '--regid=65534', '--clear-groups'], /it needs root$/],
    ['may make no namespaces', ['--bounding-set=-sys_admin'], /Operation not permitted$/],
    ['may make no bridge', ['--bounding-set=-net_admin'], /no network bridge: .*Operation not permitted$/],
  ] as const) {
    it(`${what}: one line says so`, () => {
      const prepare = [process.execPath, '--import', 'tsx/esm', join(import.meta.dirname, 'prepare.ts')];
      const { status, stdout, stderr } = spawnSync('setpriv', [...without, ...prepare], { encoding: 'utf8' });
      expect(status).to.equal(1);
      expect(stdout).to.equal('');
      const lines = stderr.trimEnd().split('\n');
      expect(lines).to.have.length(1);
      expect(lines[0])
        .to.match(/^e2e-node not run: /)
        .and.match(reason);
    });
  }
});
