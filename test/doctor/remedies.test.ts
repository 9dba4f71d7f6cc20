import { expect } from 'chai';
import { readdirSync } from 'node:fs';
import { parse } from 'yaml';
import { diagnosePod } from '../../src/doctor/diagnosePod.js';
import type { Finding, Remedy } from '../../src/doctor/finding.js';
import { doubled, shellWord } from '../../src/doctor/remedyText.js';
import { scalarText } from '../../src/policy/yamlLine.js';
import type { Pod } from '../../src/hardening/podSpec.js';
import { validatePod } from '../../src/hardening/validatePod.js';
import { policyFrom } from '../support/policies.js';
import { readRecorded } from './recordedFacts.js';
import { container, factsOf, NOW, pod, type Said } from './sayingPods.js';

const FOLDER = new URL('../fixtures/doctor/', import.meta.url);

function firstOf(said: Said): Finding {
  const [finding] = diagnosePod(factsOf(said), NOW).findings;
  if (!finding) throw new Error('nothing found');
  return finding;
}

function remedy(finding: Finding, kind: Remedy['kind']): string | undefined {
  return finding.remedies.find((candidate) => candidate.kind === kind)?.paste;
}

/** Whether it can be pasted as it is. */
function expectPastes({ kind, paste }: Remedy): void {
  switch (kind) {
    case 'imageProfile':
      if (paste.startsWith('imageProfiles:')) expect(policyFrom(paste).imageProfiles).to.have.lengthOf(1);
      else expect(paste).to.match(/^kube-harden (?:profile|learn) \S+$/);
      break;
    case 'exception':
      expect(policyFrom(paste).exceptions).to.have.lengthOf(1);
      break;
    case 'label':
      expect(paste).to.match(/^kubectl label ns \S+ kube-harden\.io\/\w+=disabled(?: --overwrite)?$/);
      break;
    case 'template':
      expect(validatePod(parse(paste) as Pod, [])).to.deep.equal([]);
      break;
    case 'policy':
      policyFrom(paste);
  }
}

describe('remedies', () => {
  it('of all recorded pods can be pasted: profiles and exceptions load as a policy', () => {
    let pasted = 0;
    for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.json'))) {
      const { facts, now } = readRecorded(new URL(file, FOLDER));
      for (const { remedies } of diagnosePod(facts, now).findings) {
        expect(remedies, file).not.to.deep.equal([]);
        remedies.forEach(expectPastes);
        pasted += remedies.length;
      }
    }
    expect(pasted).to.be.greaterThan(100);
  });

  it('name the directory that the line names', () => {
    const paste = (path: string): string | undefined =>
      remedy(firstOf({ log: [`open ${path}: read-only file system`] }), 'imageProfile');
    expect(paste('/run/app/app.pid')).to.contain('writablePaths: [/run/app]');
    expect(paste('/var/run/app.pid')).to.contain('writablePaths: [/run]');
    expect(paste('/.cache')).to.contain('writablePaths: [/.cache]');
    expect(paste('/etc/app/app.conf')).to.contain('needs: [writableRoot]');
    expect(paste('/opt/app/conf/app.xml')).to.contain('needs: [writableRoot]');
  });

  it('show no value of the environment', () => {
    const author = pod({ containers: [container({ env: [{ name: 'TENANT', value: 'acme-4711' }] })] });
    const log = ['mkdir: cannot create directory /acme-4711: Read-only file system'];
    expect(JSON.stringify(diagnosePod(factsOf({ author, log }), NOW).findings)).not.to.contain('acme-4711');
  });

  it('keep what the profile that they replace says', () => {
    const author = pod({ containers: [container({ image: 'nginx:1.27' })] });
    const finding = firstOf({ author, log: ['open() "/srv/x/y.log" failed (30: Read-only file system)'] });
    const [profile] = policyFrom(remedy(finding, 'imageProfile') ?? '').imageProfiles;
    expect(profile).to.deep.include({ images: ['docker.io/library/nginx'], runAsUser: 101 });
    expect(profile?.writablePaths).to.include.members(['/srv/x', '/run']);
  });

  it('name the user that the program wanted to become', () => {
    const log = ['chown("/var/cache/app", 101) failed (1: Operation not permitted)'];
    expect(remedy(firstOf({ log }), 'imageProfile')).to.contain('runAsUser: 101');
  });

  it('do not offer a label that the policy forbids, nor an explicit value that Override replaces', () => {
    const options = {
      rules: { readOnlyRootFilesystem: { action: 'Override', optOut: 'Forbidden' } },
    } as const;
    const { remedies } = firstOf({ options, log: ['open /run/app/x: read-only file system'] });
    expect(remedies.map(({ kind }) => kind)).to.deep.equal(['imageProfile', 'exception']);
  });

  it('lift a rule of the whole pod on all of its containers', () => {
    const options = { rules: { automountServiceAccountToken: 'Default' } } as const;
    const log = ['cat: /var/run/secrets/kubernetes.io/serviceaccount/token: No such file or directory'];
    const paste = remedy(firstOf({ options, log }), 'exception') ?? '';
    const [exception] = policyFrom(paste).exceptions;
    expect(exception).to.deep.include({ expires: '2026-08-30', rules: ['automountServiceAccountToken'] });
    expect(exception?.match).to.have.keys('namespaces', 'podLabels');
  });

  it('write text so that it stays text', () => {
    expect([scalarText('web'), scalarText('1'), scalarText('on: x')]).to.deep.equal([
      'web',
      '"1"',
      '"on: x"',
    ]);
    expect([shellWord('a/b:1'), shellWord("a'b")]).to.deep.equal(['a/b:1', "'a'\\''b'"]);
    expect([doubled('512Mi'), doubled('0.5'), doubled('x')]).to.deep.equal(['1024Mi', '1', 'x']);
  });
});
