import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { runExplain } from '../../src/cli/explain.js';
import { runFix, type FixOptions } from '../../src/cli/fix.js';
import { runPreview, type PreviewOptions } from '../../src/cli/preview.js';

const BUILT =
  'apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n' +
  'spec:\n  containers:\n  - image: registry.example/web\n    name: web\n';

interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

describe('-k, a kustomization', () => {
  let dir: string;
  const home = process.cwd();
  const path = process.env['PATH'];
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'kustomize-'));
    process.chdir(dir);
    mkdirSync('bin');
    mkdirSync('overlay');
    writeFileSync('built.yaml', BUILT);
    process.env['PATH'] = join(dir, 'bin');
  });
  afterEach(() => {
    process.chdir(home);
    process.env['PATH'] = path;
    rmSync(dir, { recursive: true });
  });

  /** A program on PATH that says how it was called, and then does this. */
  function program(name: string, script: string): void {
    const file = join('bin', name);
    const log = `require('fs').writeFileSync(${JSON.stringify(join(dir, 'called'))}, process.argv.slice(2).join('\\n'));`;
    writeFileSync(file, `#!${process.execPath}\n${log}\n${script}\n`);
    chmodSync(file, 0o755);
  }

  const PRINTS = `process.stdout.write(require('fs').readFileSync(${JSON.stringify('built.yaml')}));`;

  async function run(call: (io: Parameters<typeof runPreview>[1]) => Promise<number>): Promise<Ran> {
    let [out, err] = ['', ''];
    const status = await call({
      stdout: (text) => void (out += text),
      stderr: (text) => (err += text),
      stdin: () => Promise.reject(new Error('not read')),
      colour: false,
    });
    return { status, out, err };
  }

  const preview = (options: PreviewOptions): Promise<Ran> => run((io) => runPreview(options, io));

  it('is built by kubectl kustomize, without a shell', async () => {
    program('kubectl', PRINTS);
    program('kustomize', 'process.exit(9)');
    mkdirSync('a; rm -rf $HOME');
    const { status, out, err } = await preview({ kustomize: 'a; rm -rf $HOME' });
    expect(err).to.match(/^a; rm -rf \$HOME \(kustomize\)#1 Pod default\/web:\n {2}risk: /);
    expect(status).to.equal(1);
    expect(readFileSync('called', 'utf8')).to.equal('kustomize\n--\na; rm -rf $HOME');
    expect(out)
      .to.match(/^--- a\/a; rm -rf \$HOME \(kustomize\)\t\n/)
      .and.include('runAsNonRoot: true\n');
  });

  it('is built by kustomize build where there is no kubectl', async () => {
    program('kustomize', PRINTS);
    const { status, out } = await preview({ kustomize: 'overlay', output: 'json' });
    expect(status).to.equal(1);
    expect(readFileSync('called', 'utf8')).to.equal('build\n--\noverlay');
    const { results } = JSON.parse(out) as { results: { source: string; kind: string }[] };
    expect(results.map(({ source, kind }) => [source, kind])).to.deep.equal([
      ['overlay (kustomize)#0', 'Service'],
      ['overlay (kustomize)#1', 'Pod'],
    ]);
  });

  it('passes on what the tool says beside it', async () => {
    program('kubectl', `console.error("# Warning: 'commonLabels' is deprecated.\\n"); ${PRINTS}`);
    const { err } = await preview({ kustomize: 'overlay', output: 'json' });
    expect(err).to.equal("-k overlay: # Warning: 'commonLabels' is deprecated.\n");
  });

  const FAILURES: readonly (readonly [what: string, script: string, line: string])[] = [
    [
      'the tool fails, as kubectl before 1.34 says it',
      "console.error(\"error: unable to find one of 'kustomization.yaml' in directory '/x'\"); process.exit(1)",
      "-k overlay: kubectl kustomize: unable to find one of 'kustomization.yaml' in directory '/x'\n",
    ],
    [
      'the tool fails, as kubectl 1.36 logs it',
      'console.error(\'E1126 01:05:53.492115   17268 run.go:72] "command failed" err="no \\\\"a\\\\"\\\\nin b"\'); process.exit(1)',
      '-k overlay: kubectl kustomize: no "a" in b\n',
    ],
    [
      'the tool fails without a word',
      'process.exit(3)',
      '-k overlay: kubectl kustomize: failed (Command failed: kubectl kustomize -- overlay)\n',
    ],
    [
      'it prints without end',
      "const b = Buffer.alloc(1 << 20, 'a'); process.stdout.on('error', () => process.exit()); (function more() { process.stdout.write(b, more); })();",
      '-k overlay: kubectl kustomize: prints more than 20971520 bytes (20 MiB)\n',
    ],
    [
      'it prints nothing',
      '',
      'overlay (kustomize):1:1: nothing in it: expected a Kubernetes object in YAML or JSON\n',
    ],
  ];
  for (const [what, script, line] of FAILURES) {
    it(`one line, exit 2: ${what}`, async () => {
      program('kubectl', script);
      expect(await preview({ kustomize: 'overlay' })).to.deep.equal({ status: 2, out: '', err: line });
    });
  }

  it('one line, exit 2: neither tool is there', async () => {
    const { status, err } = await preview({ kustomize: 'overlay' });
    expect(status).to.equal(2);
    expect(err).to.equal('-k overlay: neither kubectl nor kustomize is on PATH; install one of them\n');
  });

  it('stands alone, and has no SARIF', async () => {
    program('kubectl', PRINTS);
    const both = await preview({ kustomize: 'overlay', filename: ['built.yaml'] });
    expect(both).to.deep.equal({
      status: 2,
      out: '',
      err: '-k: a kustomization stands alone; files (-f) go without it\n',
    });
    const sarif = await preview({ kustomize: 'overlay', output: 'sarif' });
    expect(sarif.err).to.equal(
      "-o sarif: it names lines of files, and those of a kustomization's build are in none\n",
    );
  });

  it('wrong objects in it are named by the line of the build', async () => {
    writeFileSync('built.yaml', BUILT.replace('kind: Pod\n', ''));
    program('kubectl', PRINTS);
    expect((await preview({ kustomize: 'overlay' })).err).to.equal(
      'overlay (kustomize):6:1: kind: is required\n',
    );
  });

  it('explain -k takes a rule behind it, and nothing else', async () => {
    program('kubectl', PRINTS);
    const options = { kustomize: 'overlay' };
    const one = await run((io) => runExplain('seccompProfile', undefined, options, io));
    expect(one.status).to.equal(1);
    expect(one.out)
      .to.include('overlay (kustomize)#1 Pod default/web\n')
      .and.include('line 10: spec.securityContext.seccompProfile');
    const two = await run((io) => runExplain('pod.yaml', 'seccompProfile', options, io));
    expect(two).to.deep.equal({
      status: 2,
      out: '',
      err: '-k: a kustomization stands alone; leave pod.yaml out\n',
    });
  });

  it('fix -k says why it cannot, and what to do', async () => {
    const options: FixOptions = { kustomize: 'overlay' };
    expect(await run((io) => runFix(options, io))).to.deep.equal({
      status: 2,
      out: '',
      err:
        '-k: what a kustomization builds is no file of yours to write; see it with preview -k, and fix its bases ' +
        'with -f\n',
    });
    expect((await run((io) => runFix({}, io))).err).to.equal(
      'what to fix? give files: -f FILE, a folder, or - for standard input\n',
    );
  });
});
