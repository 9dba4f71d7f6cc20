import { expect } from 'chai';
import { errnosIn, isOfKernel } from '../../src/doctor/errnoIn.js';
import { hasRelativePath, lineText, pathNear, portIn } from '../../src/doctor/lineText.js';
import type { Errno } from '../../src/doctor/signature.js';
import { ERRNO_WORDS } from '../../src/doctor/signatures.generated.js';

/** The errors that are the kernel's in a line, and the path of the first. */
function read(line: string): [Errno[], string | undefined] {
  const text = lineText(line);
  const found = errnosIn(text).filter((errno) => isOfKernel(text, errno));
  return [found.map(({ errno }) => errno), found[0] && pathNear(text.text, found[0].at)];
}

describe('errors of the kernel in a line', () => {
  const FORMS: readonly (readonly [string, Errno, string | undefined])[] = [
    ['open() "/run/x.pid" failed (30: Read-only file system)', 'EROFS', '/run/x.pid'],
    ["[Errno 30] Read-only file system: '/data/x'", 'EROFS', '/data/x'],
    ["PermissionError: [Errno 13] Permission denied: '/data/x'", 'EACCES', '/data/x'],
    ["Can't create/write to file './log' (Errcode: 13 \"Permission denied\")", 'EACCES', undefined],
    ["Error: EROFS: read-only file system, open '/app/x'", 'EROFS', '/app/x'],
    ['open /app/x: read-only file system', 'EROFS', '/app/x'],
    ['thread main panicked: Os { code: 13, kind: PermissionDenied }', 'EACCES', undefined],
    ['cannot write /app/x: Read-only file system (os error 30)', 'EROFS', '/app/x'],
    ['java.nio.file.AccessDeniedException: /app/x', 'EACCES', '/app/x'],
    ['java.io.FileNotFoundException: /app/x (Permission denied)', 'EACCES', '/app/x'],
    ["Access to the path '/app/x' is denied.", 'EACCES', '/app/x'],
    ['{error,eacces} /app/x', 'EACCES', '/app/x'],
    ['Errno::EPERM: chmod /app/x', 'EPERM', '/app/x'],
    ['failed errno=1 /app/x', 'EPERM', '/app/x'],
    ['{"err":{"code":"EACCES","path":"/app/x"}}', 'EACCES', '/app/x'],
    ['2026-01-01T00:00:00Z stderr F {"msg":"open /app/x: permission denied"}', 'EACCES', '/app/x'],
    ['mkdir: cannot create directory ‘/app/x’: Permission denied', 'EACCES', '/app/x'],
    ['/entrypoint.sh: line 5: /etc/app.conf: Read-only file system', 'EROFS', '/etc/app.conf'],
  ];
  for (const [line, errno, path] of FORMS) {
    it(line, () => expect(read(line)).to.deep.equal([[errno], path]));
  }

  it('are read in every language of the C library', () => {
    for (const [errno, { texts }] of Object.entries(ERRNO_WORDS)) {
      for (const words of texts) {
        expect(read(`app: /var/lib/app/x: ${words}`), words).to.deep.equal([[errno], '/var/lib/app/x']);
        expect(read(`app: /var/lib/app/x: ${words.toUpperCase()}`)[0], words).to.deep.equal([errno]);
      }
    }
    const SPOKEN: readonly (readonly [string, Errno])[] = [
      ['touch: „/data/x“ kann nicht berührt werden: Das Dateisystem ist nur lesbar', 'EROFS'],
      ['mkdir: impossible de créer le répertoire « /data/x »: Permission non accordée', 'EACCES'],
      ['mkdir: no se puede crear el directorio «/data/x»: Permiso denegado', 'EACCES'],
      ['mkdir: 无法创建目录“/data/x”：只读文件系统', 'EROFS'],
      ["mkdir: ディレクトリ '/data/x' を作成できません: 読み込み専用ファイルシステムです", 'EROFS'],
      ['chown: изменение владельца «/data/x»: Операция не позволена', 'EPERM'],
    ];
    for (const [line, errno] of SPOKEN) expect(read(line), line).to.deep.equal([[errno], '/data/x']);
  });

  for (const line of [
    'permission denied: user alice',
    'login of alice: permission denied',
    'The request was refused: permission denied for role editor',
    'read-only',
    'listening on 13',
    'took 30 ms',
  ])
    it(`are not in: ${line}`, () => expect(read(line)[0]).to.deep.equal([]));
});

describe('what a line names', () => {
  it('ports', () => {
    const PORTS: readonly (readonly [string, number | undefined])[] = [
      ['bind() to 0.0.0.0:80 failed', 80],
      ['could not bind to address [::]:443', 443],
      ['listen tcp :80: bind: permission denied', 80],
      ['listen EACCES: permission denied 0.0.0.0:81', 81],
      ['port=25 refused', 25],
      ['2026/11/26 04:22:54 [emerg] chown', undefined],
      ['listen on port 99999', undefined],
    ];
    for (const [line, port] of PORTS) expect(portIn(line), line).to.equal(port);
  });

  it('relative paths', () => {
    expect(hasRelativePath("cannot create './ddl.log'")).to.equal(true);
    expect(hasRelativePath('cannot create webapps/ROOT: x')).to.equal(true);
    expect(hasRelativePath('no path here')).to.equal(false);
  });

  it('levels', () => {
    const levels = [
      'level=info msg="x"',
      '[warn] x',
      '2026-01-01 ERROR x',
      '{"severity":"DEBUG","msg":"x"}',
      'plain x',
    ].map((line) => lineText(line).level);
    expect(levels).to.deep.equal(['quiet', 'warning', 'error', 'quiet', undefined]);
  });

  it('paths that are no URLs, nor the year of a date', () => {
    expect(pathNear('see https://example.com/a/b on 2026/01/02', 0)).to.equal(undefined);
  });
});
