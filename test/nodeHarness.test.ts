import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { BOTTOM_LINE, programsPage, withBottomLine } from '../scripts/harm/programsPage.js';
import { cgroupMounts, cgroupObstacle, nodeCgroup } from './e2e/node/cgroups.js';
import { complaintIn } from './e2e/node/complaint.js';
import { chosenPrograms } from './e2e/node/programChoice.js';
import type { ProgramResult, Results } from './e2e/node/results.js';

/** What of test/e2e/node needs neither root nor a node. */
describe('the harness of the node', () => {
  describe("a machine's cgroups", () => {
    const mount = (path: string, type: string, options: string): string =>
      `35 31 0:32 / /sys/fs/cgroup${path} rw,relatime shared:9 - ${type} ${type} rw,${options}`;
    const mounts = (...lines: readonly string[]): ReturnType<typeof cgroupMounts> =>
      cgroupMounts([mount('', 'tmpfs', 'mode=755'), ...lines, ''].join('\n'));
    const some = [mount('/cpu,cpuacct', 'cgroup', 'cpu,cpuacct'), mount('/cpuset', 'cgroup', 'cpuset')];
    const all = [...some, mount('/memory', 'cgroup', 'memory'), mount('/pids', 'cgroup', 'pids')];

    it('cannot hold a node without what a kubelet needs', () => {
      expect(cgroupObstacle(mounts())).to.equal('no cgroup file system is mounted');
      expect(cgroupObstacle(mounts(...some))).to.equal('cgroup version 1 is mounted without memory, pids');
      expect(cgroupObstacle(mounts(...all))).to.equal(undefined);
    });

    it('hold it in a folder of each hierarchy', () => {
      expect(nodeCgroup('x', mounts(...all, mount('/unified', 'cgroup2', 'nsdelegate')))).to.deep.equal({
        version: 1,
        folders: ['cpu,cpuacct', 'cpuset', 'memory', 'pids', 'unified'].map(
          (name) => `/sys/fs/cgroup/${name}/x`,
        ),
        root: '/x',
      });
    });

    it('hold it in one folder of version 2, which the node sees as the root', () => {
      expect(nodeCgroup('x', cgroupMounts(mount('', 'cgroup2', 'nsdelegate')))).to.deep.equal({
        version: 2,
        folders: ['/sys/fs/cgroup/x'],
        root: '/',
      });
    });
  });

  describe("a program's complaint", () => {
    for (const [what, lines, complaint] of [
      [
        'the last refusal',
        ['chmod: /run/x: Operation not permitted', 'bind() failed (13: Permission denied)', 'bye'],
        1,
      ],
      [
        'else the last error',
        ['error: a', 'error: no such table', 'Warning: could not raise a limit', 'bye'],
        1,
      ],
      ['else the last warning of a failure', ['hello', '[Warning] failed to raise a limit', 'bye'], 1],
      ['else the last line', ['hello', 'bye'], 1],
    ] as const) {
      it(`is ${what}`, () => {
        expect(complaintIn(`${lines.join('\n')}\n\n`)).to.equal(lines[complaint]);
      });
    }

    it('is named as missing where it said nothing', () => {
      expect(complaintIn('\n')).to.equal('it said nothing');
    });
  });

  describe('the programs of a run', () => {
    it('are those of CI, all, or those that are named', () => {
      const ci = chosenPrograms('');
      const all = chosenPrograms('all');
      expect(ci.length).to.be.at.least(6);
      expect(all.length).to.be.above(ci.length);
      expect(chosenPrograms('redis,nginx').map(({ id }) => id)).to.deep.equal(['redis', 'nginx']);
      expect(new Set(all.map(({ id }) => id))).to.have.property('size', all.length);
    });

    it('cannot be named wrong', () => {
      expect(() => chosenPrograms('nginx,nginks')).to.throw(
        'names nginks, which is no program; there are nginx,',
      );
    });
  });

  describe('the page of the programs', () => {
    const works: Omit<ProgramResult, 'id'> = {
      image: 'docker.io/library/a:1',
      version: '1.2',
      needs: [],
      asIs: null,
      naive: null,
      hardened: null,
    };
    const refusal = {
      step: 'start',
      quote: '2026/11/25 22:18:21 [emerg] 1#1: mkdir() "/a|b" failed',
    } as const;
    const results = (...programs: readonly ProgramResult[]): Results => ({
      kubelet: 'v1.36.4',
      containerRuntime: 'containerd://1.6.20',
      programs,
    });

    it('README has its bottom line', () => {
      const read = (name: string): string => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');
      const line = BOTTOM_LINE.exec(read('docs/programs.md'))?.[0];
      expect(line).to.match(/naive hardening breaks \d+, kube-harden 0\.\*\*$/);
      expect(withBottomLine(read('README.md'), read('docs/programs.md'))).to.equal(read('README.md'));
      expect(read('README.md')).to.include(line);
    });

    it('counts what is broken of what runs as it is', () => {
      const page = programsPage(
        results(
          { ...works, id: 'a' },
          { ...works, id: 'b', naive: refusal },
          { ...works, id: 'c', naive: refusal, hardened: refusal },
          { ...works, id: 'd', asIs: refusal, naive: refusal, hardened: refusal },
        ),
      );
      expect(page).to.include(
        '**Of 3 programs that run as they are, naive hardening breaks 2, kube-harden 1.**',
      );
      expect(page).to.include('(kubelet v1.36.4, containerd 1.6.20)');
    });

    it('quotes how naive failed, without the time and what would end the cell', () => {
      const page = programsPage(results({ ...works, id: 'b', naive: refusal, needs: ['CHOWN'] }));
      const quote = '`[emerg] 1#1: mkdir() "/a\\|b" failed`';
      expect(page).to.include(`| b | 1.2 | works | **fails** (start) | works; needs CHOWN | ${quote} |`);
    });
  });
});
