import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import type { Container } from '../../src/hardening/podSpec.js';
import { readFileCapabilities } from '../../src/learn/readFileCapabilities.js';
import { fileOf, readDirectories, writtenFiles } from '../../src/learn/readFiles.js';
import { readProcesses } from '../../src/learn/readProcesses.js';
import { readListeners, readMemory, readMounts, startTime } from '../../src/learn/readState.js';
import { sectionsOf, type Section } from '../../src/learn/sections.js';

/** What a script printed in a container of the real node. */
function recorded(name: string): Section[] {
  return sectionsOf(readFileSync(new URL(`../fixtures/learn/${name}.txt`, import.meta.url), 'utf8'));
}

const INSIDE = { containerId: '', isInside: true };

describe('what the scripts print on a real node', () => {
  it('in dash, of a database that dropped root: one process, its ids, its capabilities', () => {
    const [first, ...others] = readProcesses(recorded('mariadb.state'), INSIDE);
    expect(others).to.deep.equal([]);
    expect(first).to.deep.include({
      pid: 1,
      ppid: 0,
      noNewPrivileges: false,
      seccomp: 0,
      isFromOutside: false,
    });
    expect(first?.uid).to.deep.equal({ real: 999, effective: 999, saved: 999, fs: 999 });
    expect(first?.capabilities.effective).to.deep.equal([]);
    expect(first?.capabilities.bounding).to.include('CHOWN').and.not.to.include('SYS_ADMIN');
    // It runs as another user than the probe.
    expect(first?.exe).to.equal(undefined);
  });

  it('in busybox: what is dead already, and what belongs to the probe, is no process of the program', () => {
    const processes = readProcesses(recorded('busybox.state'), INSIDE);
    expect(processes.map(({ name, exe }) => [name, exe])).to.deep.equal([['sleep', '/bin/busybox']]);
  });

  it('from beside, where the pod shares its process namespace: those of one container by its id', () => {
    const sections = recorded('shared.state');
    const of = (containerId: string) =>
      readProcesses(sections, { containerId, isInside: false }).map(({ pid, name }) => `${pid} ${name}`);
    expect(of('7a34246c8a69ce928c7ba16eebb1ca1e0d129f4592a42c60495ec9ea16de84f8')).to.deep.equal([
      '7 keeper',
    ]);
    expect(of('8f2667403d4bc19ee8926d7a534a61f3e0949c19e56c44fb6880e6969fb3354b')).to.deep.equal([
      '16 sleep',
    ]);
  });

  it('tells a port of this container from another’s by who holds the socket', () => {
    const sections = recorded('shared.state');
    const ofKeeper = readProcesses(sections, { containerId: '7a34246c8a69ce928c', isInside: false });
    const ofOther = readProcesses(sections, { containerId: '8f2667403d4bc19ee8', isInside: false });
    expect(readListeners(sections, ofKeeper, false)).to.deep.equal([
      { protocol: 'tcp', port: 80, uid: 0, isOurs: true },
    ]);
    expect(readListeners(sections, ofOther, false)).to.deep.equal([
      { protocol: 'tcp', port: 80, uid: 0, isOurs: false },
    ]);
    const closed = ofOther.map((process) => ({ ...process, isOpen: false }));
    expect(readListeners(sections, closed, false)[0]?.isOurs).to.equal(undefined);
  });

  it('says who asked for each mount', () => {
    const volumeMounts = [
      { name: 'data', mountPath: '/var/lib/mysql' },
      { name: 'token', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
    ];
    const of = (mounts: Container) =>
      Object.fromEntries(
        readMounts(recorded('mariadb.state'), mounts, '/dev/termination-log').map((mount) => [
          mount.path,
          mount.of,
        ]),
      );
    expect(of({ volumeMounts })).to.deep.include({
      '/': 'root',
      '/proc': 'system',
      '/etc/hosts': 'system',
      '/dev/termination-log': 'system',
      '/run/secrets/kubernetes.io/serviceaccount': 'author',
      '/var/lib/mysql': 'author',
    });
    // Without a volumeMount, a VOLUME of the image.
    expect(of({})['/var/lib/mysql']).to.equal('image');
  });

  it('gives memory, and when the container began', () => {
    const sections = recorded('mariadb.state');
    const memory = readMemory(sections);
    expect(memory.peakBytes).to.be.above(memory.ownBytes ?? 0);
    expect(memory.ownBytes).to.be.above(1024 ** 2);
    expect(memory.limitBytes).to.equal(undefined);
    const [first] = readProcesses(sections, INSIDE);
    if (first === undefined) throw new Error('there is no process');
    expect(startTime(sections, first).startSeconds).to.be.closeTo(1_795_668_811, 15);
  });

  it('of files: what was made since the start, without the places of mounts', () => {
    const mounts = [
      '/proc',
      '/dev',
      '/sys',
      '/etc/hosts',
      '/etc/resolv.conf',
      '/etc/hostname',
      '/var/run/secrets/kubernetes.io/serviceaccount',
    ];
    const { written } = writtenFiles(recorded('busybox.files'), '', 1_795_668_810.5, mounts);
    expect(written.map(({ path, kind }) => `${kind} ${path}`)).to.deep.equal([
      'directory /var/lib',
      'directory /var/lib/x',
      'file /var/lib/x/data',
    ]);
    const gnu = writtenFiles(recorded('tomcat.files'), '', 1_795_668_809, ['/proc', '/dev']).written;
    expect(gnu.find(({ path }) => path.endsWith('value.jsp'))).to.deep.include({
      kind: 'file',
      uid: 0,
      mode: 0o644,
      how: 'newer',
    });
  });
});

describe('the readers', () => {
  it('read every form of a line of files, below the container’s root', () => {
    const expected = { path: '/a b', kind: 'file', uid: 1, gid: 2, mode: 0o4755, size: 3 };
    expect(fileOf('g f 4755 1 2 3 10.5 11.25 /proc/1/root/a b', '/proc/1/root')).to.deep.equal({
      ...expected,
      modified: 10.5,
      changed: 11.25,
    });
    expect(fileOf('f 89ed 1 2 3 10 11 /a b', '')).to.deep.equal({ ...expected, modified: 10, changed: 11 });
    expect(fileOf('l -rwsr-xr-x    1 1        2                3 Nov 26 04:26 /a b', '')).to.deep.equal({
      ...expected,
      modified: 0,
      changed: 0,
    });
    expect(fileOf('l lrwxrwxrwx 1 0 0 7 Nov 26 04:26 /link -> /target', '')?.path).to.equal('/link');
    expect(fileOf('l brw-rw-rw- 1 0 0 8, 0 Nov 26 04:26 /disk', '')?.kind).to.equal('device');
    expect(fileOf('t /only/a/path', '')).to.deep.include({ path: '/only/a/path', uid: -1 });
    expect(fileOf('drwx what is this', '')).to.equal(undefined);
  });

  it('tell a file that only changed its owner from one that was written', () => {
    const sections = sectionsOf(
      '@ files\ng f 644 999 999 1 5 105 /opt/owned\ng d 755 0 0 1 104 104 /srv\ng f 644 999 999 1 5 105 /srv/unpacked\n',
    );
    expect(writtenFiles(sections, '', 100, []).written.map(({ path, how }) => [path, how])).to.deep.equal([
      ['/opt/owned', 'owner'],
      ['/srv', 'newer'],
      ['/srv/unpacked', 'newer'],
    ]);
  });

  it('do not take a directory for written of which only the ctime is new: a copy made by the file system', () => {
    const sections = sectionsOf('@ files\ng d 755 0 0 1 5 105 /opt\ng f 644 0 0 1 104 104 /opt/a\n');
    expect(writtenFiles(sections, '', 100, []).written.map(({ path }) => path)).to.deep.equal(['/opt/a']);
  });

  it('tell what came from outside the program: kubectl exec, and what it started', () => {
    const process = (pid: number, ppid: number, ticks: number): string =>
      `@ process ${pid}\nName:\tp${pid}\nState:\tS (sleeping)\nPPid:\t${ppid}\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n0::/\n${pid} (a) b) S ${ppid} ${'0 '.repeat(17)}${ticks} 0\n`;
    const text = `@ self 50\n@ selfcgroup\n0::/\n${process(1, 0, 10)}${process(5, 1, 12)}${process(20, 0, 90)}${process(21, 20, 91)}${process(50, 0, 99)}${process(51, 50, 99)}`;
    const seen = readProcesses(sectionsOf(text), INSIDE);
    expect(seen.map(({ pid, isFromOutside, startTicks }) => [pid, isFromOutside, startTicks])).to.deep.equal([
      [1, false, 10],
      [5, false, 12],
      [20, true, 90],
      [21, true, 91],
    ]);
  });

  it('read file capabilities in the words of getcap, old and new, and of getfattr', () => {
    const text =
      '@ getcap /a\n/a cap_net_bind_service,cap_net_admin=ep\n@ getcap /b\n/b = cap_net_raw+ep\n@ getcap /c\n@ getfattr /d\n# file: d\nsecurity.capability=0x0100000200040000000000000000000000000000\n';
    expect(readFileCapabilities(sectionsOf(text))).to.deep.equal({
      '/a': ['NET_BIND_SERVICE', 'NET_ADMIN'],
      '/b': ['NET_RAW'],
      '/c': [],
      '/d': ['NET_BIND_SERVICE'],
    });
  });

  it('make nothing of what is cut short or no output at all', () => {
    for (const text of ['', '@ process 1', '@ files\ng f', 'no section', '@ tar /a\n00 11']) {
      const sections = sectionsOf(text);
      expect(readProcesses(sections, INSIDE)).to.deep.equal([]);
      expect(writtenFiles(sections, '', 0, []).written).to.deep.equal([]);
      expect(readDirectories(sections)).to.deep.equal([]);
      expect(readFileCapabilities(sections)).to.deep.equal({});
      expect(readMounts(sections, {}, '')).to.deep.equal([]);
    }
  });
});
