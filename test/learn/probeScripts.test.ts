import { expect } from 'chai';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as scripts from '../../src/learn/probeScripts.js';
import { readFileCapabilities } from '../../src/learn/readFileCapabilities.js';
import { fileOf, readDirectories, writtenFiles } from '../../src/learn/readFiles.js';
import { readProcesses } from '../../src/learn/readProcesses.js';
import { readMounts, startTime } from '../../src/learn/readState.js';
import { linesOf, sectionsOf } from '../../src/learn/sections.js';
import { SHELLS, runScript, sections, toolFolder, where } from './support/shells.js';

const { STATE_SCRIPT, FILES_SCRIPT, DIRECTORIES_SCRIPT, GUARDED_SCRIPT, CAPABILITIES_SCRIPT } = scripts;
const HIDDEN = 'cGxhbnRlZC1zZWNyZXQ';

describe('the scripts of learn', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'kube-harden-learn-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  describe('as texts', () => {
    for (const [name, script] of Object.entries(scripts)) {
      it(`${name} writes no file: every redirection goes to /dev/null or to another descriptor, and no text stands in it`, () => {
        const targets = [...script.matchAll(/(?<!-)\d?>+\s*(&?[^\s;|)]*)/g)].map(([, target]) => target);
        expect(
          targets.filter((target) => target !== '/dev/null' && target !== '&1' && target !== '&2'),
        ).to.deep.equal([]);
        expect(script).not.to.match(/<<|\btee\b|\bmktemp\b|\btouch\b|\bmkdir\b|\brm\b/);
      });
      it(`${name} reads neither environments nor arguments`, () => {
        expect(script).not.to.match(/environ|cmdline|printenv|\bps\b/);
      });
    }
  });

  for (const shell of SHELLS) {
    describe(`in ${shell.join(' ')}`, () => {
      describe('STATE_SCRIPT', () => {
        let child: ChildProcess;
        let output: string;
        before(async function () {
          // A machine has more processes than a container.
          this.timeout(60_000);
          child = spawn(process.execPath, ['-e', 'console.log(1); setTimeout(() => {}, 60000)', HIDDEN], {
            env: { ...process.env, TOKEN: HIDDEN },
            stdio: ['ignore', 'pipe', 'ignore'],
          });
          await new Promise((resolve) => child.stdout?.once('data', resolve));
          output = runScript(STATE_SCRIPT, ['', '', '5000', '/etc/hostname'], {
            shell,
            env: { OWN: HIDDEN },
          });
        });
        after(() => child.kill('SIGKILL'));

        it('shows processes with their user, program and parent, and none of the probe', () => {
          const seen = readProcesses(sectionsOf(output), { containerId: '', isInside: true });
          const found = seen.find(({ pid }) => pid === child.pid);
          expect(found).to.deep.include({ ppid: process.pid, exe: process.execPath, noNewPrivileges: false });
          expect(found?.uid.effective).to.equal(process.getuid?.());
          expect(seen.map(({ ppid, name }) => `${ppid} ${name}`)).not.to.include(
            `${process.pid} ${shell[0] ?? ''}`,
          );
        });
        it('shows no argument and no variable of any process', () => {
          expect(output.includes(HIDDEN)).to.equal(false);
        });
        it('shows mounts, and when a process began by the clock of the files', () => {
          const seen = sectionsOf(output);
          const mounts = readMounts(seen, {}, '/dev/termination-log');
          expect(mounts.find(({ path }) => path === '/')?.of).to.equal('root');
          expect(mounts.find(({ path }) => path === '/proc')?.of).to.equal('system');
          const own = readProcesses(seen, { containerId: '', isInside: true }).find(
            ({ pid }) => pid === process.pid,
          );
          if (own === undefined) throw new Error('the test itself is not among the processes');
          const { startSeconds } = startTime(seen, own);
          expect(startSeconds).to.be.closeTo((Date.now() - process.uptime() * 1000) / 1000, 1.5);
        });
        it('stops at so many processes, and says so', () => {
          const seen = sections(STATE_SCRIPT, ['', '', '1', ''], { shell });
          expect(seen.filter(({ name }) => name === 'process')).to.have.lengthOf(1);
          expect(seen.some(({ name }) => name === 'processcut')).to.equal(true);
          expect(seen.at(-1)?.name).to.equal('end');
        });
      });

      describe('FILES_SCRIPT', () => {
        const TOOLS: readonly (readonly string[])[] = [['find', 'stat', 'ls'], ['stat', 'ls'], ['ls'], []];
        let tree: string;
        let start: number;
        before(() => {
          tree = mkdtempSync(join(folder, 'tree-'));
          writeFileSync(join(tree, 'old'), '');
          mkdirSync(join(tree, 'quiet'));
          writeFileSync(join(tree, 'quiet', 'old too'), '');
          const past = Date.now() / 1000 - 3600;
          for (const path of ['old', 'quiet/old too', 'quiet']) utimesSync(join(tree, path), past, past);
          // What a script finds newer has a later time than this, also in whole seconds.
          spawnSync('sleep', ['1.1']);
          writeFileSync(join(tree, 'reference'), '');
          spawnSync('sleep', ['1.1']);
          // Files are dated by the clock of the last tick, which may be a second back where this one is not.
          start = Math.floor(Date.now() / 1000 - 0.05);
          mkdirSync(join(tree, 'made'));
          writeFileSync(join(tree, 'made', 'with blanks  in it'), 'data');
          writeFileSync(join(tree, 'made', '.hidden'), '');
          writeFileSync(join(tree, 'made', 'two\nlines'), '');
          symlinkSync('/nowhere', join(tree, 'made', 'link'));
        });

        const read = (tools: readonly string[], most = '100') => {
          const path = toolFolder(folder, tools);
          const args = ['', String(start), '1', `${tree}/reference`, most, tree];
          return writtenFiles(sections(FILES_SCRIPT, args, { shell, path }), '', start, []);
        };
        for (const tools of TOOLS) {
          // busybox's shell has programs of its own.
          if (shell[0] === 'busybox' && tools.length < 3) continue;
          it(`finds what is newer with ${tools.join(', ') || 'no program at all'}`, () => {
            const { written, isCut } = read(tools);
            expect(isCut).to.equal(false);
            const paths = written.map(({ path }) => path.slice(tree.length));
            expect(paths).to.include.members(['/made', '/made/.hidden', '/made/with blanks  in it']);
            expect(paths.filter((path) => path.includes('old') || path.includes('\n'))).to.deep.equal([]);
            const file = written.find(({ path }) => path.endsWith('in it'));
            if (tools.length > 0)
              expect(file).to.deep.include({ kind: 'file', uid: process.getuid?.(), size: 4 });
            expect(file?.how).to.equal('newer');
          });
        }
        it('prints no more lines than asked for, and says so', () => {
          const { written, isCut } = read(['find', 'stat', 'ls'], '2');
          expect(written.length).to.be.at.most(2);
          expect(isCut).to.equal(true);
        });
        it('leaves the folder as it was', () => {
          const list = () => readdirSync(tree, { recursive: true }).sort();
          const before = list();
          for (const tools of TOOLS) {
            const path = toolFolder(folder, tools);
            const args = ['', String(start), '1', `${tree}/reference`, '100', tree];
            runScript(FILES_SCRIPT, args, { shell, path, cwd: tree, env: { TMPDIR: tree, HOME: tree } });
          }
          expect(list()).to.deep.equal(before);
        });
      });

      describe('DIRECTORIES_SCRIPT', () => {
        it('says what stands in directories, and which folders hold no file', () => {
          const tree = mkdtempSync(join(folder, 'dirs-'));
          mkdirSync(join(tree, 'empty', 'below'), { recursive: true });
          mkdirSync(join(tree, 'full', 'below'), { recursive: true });
          writeFileSync(join(tree, 'full', 'below', 'file'), '');
          writeFileSync(join(tree, 'a file'), '');
          symlinkSync('full', join(tree, 'link'));
          chmodSync(tree, 0o1777);
          const [state] = readDirectories(
            sections(DIRECTORIES_SCRIPT, ['', '50', tree, '/not/there'], { shell }),
          );
          expect(state).to.deep.include({ path: tree, mode: 0o1777, uid: process.getuid?.() });
          expect(state?.entries).to.have.deep.members([
            { name: 'a file', kind: 'file' },
            { name: 'empty', kind: 'empty' },
            { name: 'full', kind: 'directory' },
            { name: 'link', kind: 'link' },
          ]);
        });
      });

      describe('GUARDED_SCRIPT', () => {
        it('finds what is for its owner alone', () => {
          const tree = mkdtempSync(join(folder, 'guarded-'));
          chmodSync(tree, 0o755);
          mkdirSync(join(tree, 'closed'), { mode: 0o700 });
          writeFileSync(join(tree, 'cookie'), 'x', { mode: 0o400 });
          writeFileSync(join(tree, 'usual'), 'x', { mode: 0o600 });
          const found = linesOf(sections(GUARDED_SCRIPT, ['', '10', tree], { shell }), 'files').map((line) =>
            fileOf(line, tree),
          );
          expect(found.map((file) => [file?.path, file?.kind, file?.mode])).to.have.deep.members([
            ['/closed', 'directory', 0o700],
            ['/cookie', 'file', 0o400],
          ]);
        });
      });
    });
  }

  describe('CAPABILITIES_SCRIPT', () => {
    for (const tools of [['getcap'], ['tar', 'head', 'od', 'grep']]) {
      it(`reads file capabilities with ${tools[0] ?? ''}`, function () {
        const carrier = join(folder, `carrier-${tools[0] ?? ''}`);
        copyFileSync('/bin/true', carrier);
        if (where('setcap') === undefined || tools.some((tool) => where(tool) === undefined)) this.skip();
        if (spawnSync('setcap', ['cap_net_bind_service,cap_net_admin=+ep', carrier]).status !== 0)
          this.skip();
        const plain = join(folder, 'plain');
        copyFileSync('/bin/true', plain);
        const seen = sections(CAPABILITIES_SCRIPT, ['', carrier, plain], { path: toolFolder(folder, tools) });
        expect(readFileCapabilities(seen)).to.deep.equal({
          [carrier]: ['NET_BIND_SERVICE', 'NET_ADMIN'],
          [plain]: [],
        });
      });
    }
    it('says nothing where no program can tell', () => {
      const seen = sections(CAPABILITIES_SCRIPT, ['', '/bin/true'], { path: toolFolder(folder, ['ls']) });
      expect(readFileCapabilities(seen)).to.deep.equal({});
    });
  });
});
