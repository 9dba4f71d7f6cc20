import { expect } from 'chai';
import type { AdmissionRequest, Decision, KubernetesObject } from '../../src/admission/types.js';
import { RULE_IDS } from '../../src/hardening/rule.js';
import { RuleError } from '../../src/hardening/ruleError.js';
import type { Plan } from '../../src/hardening/plan.js';
import { PlanUnavailableError } from '../../src/policy/planUnavailableError.js';
import { DecisionLog, type DecisionLogs } from '../../src/telemetry/decisionLog.js';
import { Exposition } from '../../src/telemetry/exposition.js';
import { Metrics } from '../../src/telemetry/metrics.js';
import { RecordingLogger } from '../system/support/testServers.js';

const request: AdmissionRequest = {
  uid: 'the-uid',
  kind: { group: '', version: 'v1', kind: 'Pod' },
  operation: 'CREATE',
  namespace: 'shop',
  object: { metadata: { generateName: 'web-' }, spec: { env: 'a secret' } },
};

function decision(
  outcome: Decision['outcome'],
  mode: Plan['mode'] = 'enforce',
  more: Partial<Decision> = {},
): Decision {
  const plan = { mode, policy: 'default' } as Plan;
  return { outcome, plan, changes: [], skips: [], violations: [], patch: [], warnings: [], ...more };
}

const changes: Decision['changes'] = [
  { rule: 'seccompProfile', path: ['spec', 'x'], after: 1 },
  { rule: 'runAsNonRoot', path: ['spec', 'y'], after: 1 },
  { rule: 'runAsNonRoot', path: ['spec', 'z'], after: 1 },
];
const violations: Decision['violations'] = [
  { rule: 'privileged', field: 'spec.x', denied: true },
  { rule: 'sshd', field: 'spec.y' },
];
const skips: Decision['skips'] = [{ rule: 'resources', code: 'QuotaScope' }];

describe('DecisionLog', () => {
  const logged: [DecisionLogs, string[]][] = [
    ['none', []],
    ['denied', ['denied', 'audit changed', 'audit violated']],
    ['changed', ['denied', 'patched', 'reported', 'audit changed', 'audit violated']],
    [
      'all',
      [
        'ignored',
        'unchanged',
        'denied',
        'patched',
        'reported',
        'audit changed',
        'audit violated',
        'audit unchanged',
      ],
    ],
  ];
  for (const [which, expected] of logged) {
    it(`with ${which} writes a line for: ${expected.join(', ') || 'nothing'}`, () => {
      const decisions: Record<string, Decision> = {
        ignored: decision('ignored', 'enforce', { plan: undefined, because: 'another kind' }),
        unchanged: decision('unchanged'),
        denied: decision('denied', 'enforce', { violations }),
        patched: decision('patched', 'enforce', { changes }),
        reported: decision('reported', 'enforce', { changes }),
        'audit changed': decision('reported', 'audit', { changes }),
        'audit violated': decision('unchanged', 'audit', { violations }),
        'audit unchanged': decision('unchanged', 'audit'),
      };
      const written = Object.keys(decisions).filter((name) => {
        const logger = new RecordingLogger();
        new DecisionLog(new Metrics({ version: 'test' }), logger, which).decided(
          decisions[name] ?? decision('ignored'),
          request,
          0,
        );
        return logger.lines.length === 1;
      });
      expect(written).to.have.members(expected);
    });
  }

  it('names rules in catalogue order, each once, and nothing of the object but its name', () => {
    const logger = new RecordingLogger();
    const log = new DecisionLog(new Metrics({ version: 'test' }), logger, 'all');
    log.decided(decision('patched', 'enforce', { changes, skips, violations }), request, 0.0012341);
    const [line] = logger.lines;
    expect(line?.message).to.equal('decision');
    expect(JSON.parse(JSON.stringify(line?.fields))).to.deep.equal({
      uid: 'the-uid',
      namespace: 'shop',
      kind: 'Pod',
      generateName: 'web-',
      operation: 'CREATE',
      mode: 'enforce',
      policy: 'default',
      outcome: 'patched',
      changed: ['runAsNonRoot', 'seccompProfile'],
      skipped: ['resources'],
      violated: ['privileged', 'sshd'],
      ms: 1.234,
    });
  });

  for (const [what, name, logged] of [
    ['is cut where no name is so long', 'n'.repeat(1_000_000), 'n'.repeat(253)],
    ['is left out where it is no text', { password: 'planted' }, undefined],
  ] as const) {
    it(`of an object that is not looked into, the name ${what}`, () => {
      const logger = new RecordingLogger();
      const log = new DecisionLog(new Metrics({ version: 'test' }), logger, 'all');
      const object = { metadata: { name } } as unknown as KubernetesObject;
      log.decided(decision('ignored', 'enforce', {}), { ...request, name: '', object }, 0);
      expect(logger.lines[0]?.fields['name']).to.equal(logged);
      expect(JSON.stringify(logger.lines)).to.not.contain('planted');
    });
  }

  it('counts decisions, changes made and reported, skips, violations, failures', async () => {
    const metrics = new Metrics({ version: 'test' });
    const log = new DecisionLog(metrics, new RecordingLogger(), 'none');
    log.decided(decision('patched', 'enforce', { changes, skips }), request, 0.002);
    log.decided(decision('reported', 'audit', { changes, violations }), request, 0.2);
    log.failed(new RuleError('sshd', new Error('a bug')), 'u');
    log.failed(new PlanUnavailableError('not known'), 'u');
    log.failed(Object.assign(new Error(), { code: 'any thing a caller says' }), 'u');
    const text = await new Exposition(metrics).text();
    for (const line of [
      'kube_harden_decisions_total{mode="enforce",outcome="patched"} 1',
      'kube_harden_decisions_total{mode="audit",outcome="reported"} 1',
      'kube_harden_decisions_total{mode="audit",outcome="denied"} 0',
      'kube_harden_changes_total{rule="runAsNonRoot",applied="true"} 2',
      'kube_harden_changes_total{rule="runAsNonRoot",applied="false"} 2',
      'kube_harden_skips_total{rule="resources",code="QuotaScope"} 1',
      'kube_harden_violations_total{rule="privileged",denied="true"} 1',
      'kube_harden_violations_total{rule="sshd",denied="false"} 1',
      'kube_harden_failed_decisions_total{code="RuleFailed"} 1',
      'kube_harden_failed_decisions_total{code="PlanUnavailable"} 1',
      'kube_harden_failed_decisions_total{code="Unknown"} 1',
      'kube_harden_rule_errors_total{rule="sshd"} 1',
      'kube_harden_decision_duration_seconds_bucket{le="0.001"} 0',
      'kube_harden_decision_duration_seconds_bucket{le="0.0025"} 1',
      'kube_harden_decision_duration_seconds_bucket{le="0.25"} 2',
      'kube_harden_decision_duration_seconds_count 2',
    ]) {
      expect(text.split('\n')).to.include(line);
    }
  });
});

describe('Metrics', () => {
  it('forget a policy that is gone', async () => {
    const metrics = new Metrics({ version: 'test' });
    metrics.policiesLoaded([{ name: 'default' }, { name: 'old' }], 1000);
    metrics.policiesLoaded([{ name: 'default' }], 5000);
    const text = await new Exposition(metrics).text();
    expect(text)
      .to.contain('policy_last_load_success_timestamp_seconds{policy="default"} 5\n')
      .and.not.contain('policy="old"');
  });

  it('keep when a policy was loaded while another one is', async () => {
    const metrics = new Metrics({ version: 'test' });
    const kept = { name: 'kept' };
    metrics.policiesLoaded([kept], 1000);
    metrics.policiesLoaded([kept, { name: 'new' }], 5000);
    expect((await new Exposition(metrics).text()).split('\n')).to.include.members([
      'kube_harden_policy_last_load_success_timestamp_seconds{policy="kept"} 1',
      'kube_harden_policy_last_load_success_timestamp_seconds{policy="new"} 5',
    ]);
  });

  it('have no value where there is nothing to tell of: a time of 0 would be 1970', async () => {
    const metrics = new Metrics({ version: 'test' });
    const exposition = new Exposition(metrics);
    const times = async (): Promise<string[]> =>
      (await exposition.text())
        .split('\n')
        .filter((line) => /^kube_harden_(ca|certificate)_\w+_seconds /.test(line));
    expect(await times()).to.deep.equal([]);
    metrics.certificateIs(() => ({ begins: 1000, expires: 2000 }));
    expect(await times()).to.deep.equal([
      'kube_harden_certificate_not_before_timestamp_seconds 1',
      'kube_harden_certificate_expiry_timestamp_seconds 2',
    ]);
    metrics.authorityIs(() => ({ begins: 3000, expires: 4000 }));
    expect(await times()).to.have.length(4);
  });

  it('count the errors of each rule from 0: an increase is told of a series that was there before', async () => {
    const text = await new Exposition(new Metrics({ version: 'test' })).text();
    expect(text.match(/^kube_harden_rule_errors_total\{rule="\w+"\} 0$/gm)).to.have.length(RULE_IDS.length);
  });

  it('name 200 policies, and the rest together', async () => {
    const metrics = new Metrics({ version: 'test' });
    const names = Array.from({ length: 1000 }, (_, n) => `p${n}`);
    metrics.policiesLoaded(
      names.map((name) => ({ name })),
      1000,
    );
    metrics.policiesRejected(names);
    const lines = (await new Exposition(metrics).text())
      .split('\n')
      .filter((line) => line.includes('{policy="'));
    expect(lines).to.have.length(2 * 201);
    expect(lines.filter((line) => line.includes('"(others)"'))).to.deep.equal([
      'kube_harden_policy_last_load_success_timestamp_seconds{policy="(others)"} 1',
      'kube_harden_policy_rejected{policy="(others)"} 1',
    ]);
  });
});
