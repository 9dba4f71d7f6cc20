import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { diagnosePod } from '../../src/doctor/diagnosePod.js';
import {
  blames,
  folded,
  type DoctorReport,
  type ReportedDiagnosis,
  type ReportedFinding,
} from '../../src/doctor/report.js';
import { reportJson, reportYaml } from '../../src/doctor/reportDocuments.js';
import { reportText } from '../../src/doctor/reportText.js';
import { readRecorded } from './recordedFacts.js';

const PAGE = readFileSync(new URL('../../docs/doctor.md', import.meta.url), 'utf8');
const RECORDED = new URL('../fixtures/doctor/', import.meta.url);

function reportOf(diagnoses: readonly ReportedDiagnosis[], more: Partial<DoctorReport> = {}): DoctorReport {
  return {
    version: 1,
    server: 'https://10.0.0.1:6443',
    target: 'namespace shop',
    lookedAt: { pods: 3, logs: 2, podsWithoutLogs: 0 },
    diagnoses,
    missing: [],
    partial: false,
    ...more,
  };
}

const FINDING: ReportedFinding = {
  signature: 'erofs',
  rule: 'readOnlyRootFilesystem',
  container: 'app',
  certainty: 'likely',
  cause: 'readOnlyRootFilesystem set readOnlyRootFilesystem to true.',
  evidence: [{ source: 'log', at: 'container "app", log', text: 'open /x: Read-only file system' }],
  remedies: [
    { kind: 'imageProfile', what: 'Say that it writes to /x.', paste: 'imageProfiles:\n  - images: [web]' },
    {
      kind: 'label',
      what: 'Turn it off.',
      paste: 'kubectl label ns shop kube-harden.io/readOnlyRootFilesystem=disabled',
    },
  ],
};

function broken(object: string, more: Partial<ReportedDiagnosis> = {}): ReportedDiagnosis {
  return {
    namespace: 'shop',
    object,
    owner: 'deployment/web',
    state: 'broken',
    symptom: 'CrashLoopBackOff, 4 restarts',
    findings: [FINDING],
    missing: [],
    ...more,
  };
}

describe('a report', () => {
  it('tells pods of one owner together that have the same cause, whatever their counts and lines', () => {
    const other = { ...FINDING, evidence: [{ ...FINDING.evidence[0], text: 'open /y' }] } as ReportedFinding;
    const groups = folded([
      broken('pod/web-a'),
      broken('pod/web-b', { symptom: 'CrashLoopBackOff, 7 restarts', findings: [other] }),
      broken('pod/web-c', { findings: [{ ...FINDING, container: 'sidecar' }] }),
      broken('pod/web-d', { namespace: 'billing' }),
      broken('replicaset/web-1'),
    ]);
    expect(groups.map(({ objects }) => objects)).to.deep.equal([
      ['pod/web-a', 'pod/web-b'],
      ['pod/web-c'],
      ['pod/web-d'],
      ['replicaset/web-1'],
    ]);
  });

  it('tells pods that nobody owns apart', () => {
    const bare: ReportedDiagnosis = {
      namespace: 'shop',
      object: 'pod/a',
      state: 'broken',
      findings: [FINDING],
      missing: [],
    };
    expect(folded([bare, { ...bare, object: 'pod/b' }])).to.have.length(2);
  });

  it('blames only where something is found', () => {
    const other = { findings: [], notHardening: { why: 'its image is not there', evidence: [] } };
    expect(blames(reportOf([broken('pod/a')]))).to.equal(true);
    expect(blames(reportOf([broken('pod/a', other)]))).to.equal(false);
    expect(blames(reportOf([]))).to.equal(false);
  });

  describe('as a table', () => {
    const TABLE: readonly (readonly [report: DoctorReport, last: string])[] = [
      [reportOf([]), 'namespace shop: 3 pods, 2 logs read. Nothing is broken.\n'],
      [
        reportOf([], { lookedAt: { pods: 1, logs: 1, podsWithoutLogs: 7 } }),
        'namespace shop: 1 pod, 1 log read, the logs of 7 pods left out. Nothing is broken.\n',
      ],
      [
        reportOf([broken('pod/a'), broken('pod/b'), broken('pod/c', { owner: 'job/x', findings: [] })]),
        'namespace shop: 3 pods, 2 logs read. Hardening has to do with 2 objects; 1 object broken for another reason.\n',
      ],
    ];
    for (const [report, last] of TABLE) {
      it(`ends with: ${last.trim()}`, () => {
        expect(reportText(report, false).endsWith(last)).to.equal(true);
      });
    }

    it('names the others of many alike, and counts the rest', () => {
      const many = Array.from({ length: 12 }, (_, index) => broken(`pod/web-${index}`));
      const text = reportText(reportOf(many), false);
      expect(text).to.include(
        'shop  pod/web-0 and 11 more alike of deployment/web: CrashLoopBackOff, 4 restarts\n',
      );
      expect(text).to.include('  alike: pod/web-1, pod/web-2, pod/web-3 and 8 others\n');
      expect(text.match(/likely: /g)).to.have.length(1);
    });

    it('leaves what is to be pasted as it is, and shows every way to mend where few are told', () => {
      const text = reportText(reportOf([broken('pod/a')]), false);
      expect(text).to.include('        imageProfiles:\n          - images: [web]\n');
      expect(text).to.include(
        '        kubectl label ns shop kube-harden.io/readOnlyRootFilesystem=disabled\n',
      );
      const many = ['a', 'b', 'c', 'd'].map((owner) => broken('pod/x', { owner }));
      const short = reportText(reportOf(many), false);
      expect(short).to.not.include('kubectl label');
      expect(short.match(/1 more way to mend it: ask for it alone, or -o yaml/g)).to.have.length(4);
    });

    it('tells what could not be read, and that no cause was found', () => {
      const text = reportText(
        reportOf([broken('pod/a', { findings: [], missing: ['its logs: node n did not answer'] })]),
        false,
      );
      expect(text).to.include('  not hardening: nothing was found that hardening has done\n');
      expect(text).to.include('    not read: its logs: node n did not answer\n');
    });

    it('shows colours on a terminal only, and never those of others', () => {
      const evil = {
        ...FINDING,
        evidence: [{ source: 'log', at: 'log', text: 'x\u001b[2Jy\u202ez' }],
      } as ReportedFinding;
      const report = reportOf([broken('pod/\u001b]0;x', { findings: [evil] })]);
      expect(reportText(report, false)).to.not.match(/[\u001b\u202e]/);
      const painted = reportText(report, true);
      expect(painted).to.include('\u001b[31mlikely\u001b[0m: ').and.to.include('> x?[2Jy?z');
      expect(painted.replaceAll(/\u001b\[\d+m/g, '')).to.equal(reportText(report, false));
    });
  });

  it('is the same in JSON and YAML, and both are what it is', () => {
    const report = reportOf([broken('pod/a'), broken('pod/b', { findings: [] })], { missing: ['x'] });
    expect(JSON.parse([...reportJson(report)].join(''))).to.deep.equal(report);
    expect(parse([...reportYaml(report)].join(''))).to.deep.equal(report);
    expect(JSON.parse([...reportJson(reportOf([]))].join(''))).to.deep.equal(reportOf([]));
    expect(parse([...reportYaml(reportOf([]))].join(''))).to.deep.equal(reportOf([]));
  });

  it('is in docs/doctor.md as it comes of what was recorded on a real node', () => {
    const examples = [...PAGE.matchAll(/<!-- recorded: ([\w-]+) -->\n```text\n([\s\S]*?)```/g)];
    expect(examples).to.have.length.above(1);
    for (const [, name = '', text] of examples)
      expect(lasting(text ?? ''), name).to.equal(lasting(ofRecorded(name)));
  });
});

/** Without what is another whenever it is recorded anew: names, times, counts, and the lines that their lengths break. */
function lasting(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\be2e-[0-9a-f]{8}\b/g, 'NAMESPACE')
    .replaceAll(/-[a-z0-9]{8,10}-[a-z0-9]{5}\b/g, '-HASH')
    .replaceAll(/\d{4}[-/]\d\d[-/]\d\d( [\d:]+)?/g, 'TIME')
    .replaceAll(/, \d+ restarts?/g, '')
    .replaceAll(/\d+ logs? read/g, 'LOGS read');
}

/** What is printed for a pod that was recorded. */
function ofRecorded(name: string): string {
  const { facts, now } = readRecorded(new URL(`${name}.json`, RECORDED));
  const diagnosis = diagnosePod({ ...facts, missing: [] }, now);
  const logs = [...facts.logs.values()].flatMap(({ current, previous }) => [current, previous]);
  return reportText(
    reportOf([diagnosis], {
      target: `${diagnosis.object} of namespace ${diagnosis.namespace}`,
      lookedAt: { pods: 1, logs: logs.filter((log) => log !== undefined).length, podsWithoutLogs: 0 },
    }),
    false,
  );
}
