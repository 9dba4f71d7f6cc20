import { expect } from 'chai';
import { existsSync, readdirSync } from 'node:fs';
import { fieldPath } from '../src/hardening/fieldPath.js';
import type { Pod } from '../src/hardening/podSpec.js';
import { ACTIONS, RULE_IDS, type RuleId } from '../src/hardening/rule.js';
import { RULES, RULES_BY_ID, RUNNING_ORDER } from '../src/hardening/rules/index.js';
import { container, hardenPod, pod, type HardenOptions } from './support/harden.js';

/*
 * What holds for every rule: the id is the file's name, in the code, the tests and the docs; the metadata is complete;
 * and `fields` names all that the rule writes.
 */

const filesIn = (folder: string): string[] =>
  readdirSync(new URL(folder, import.meta.url)).filter(
    (name) => !name.includes('.settings.') && name !== 'index.ts',
  );

describe('the catalogue', () => {
  it('lists every rule, in the order of RULE_IDS', () => {
    expect(RULES.map(({ id }) => id)).to.deep.equal([...RULE_IDS]);
  });
  it('runs every rule once, hostUsers before those that look whether the pod has a user namespace', () => {
    expect(RUNNING_ORDER).to.have.members(RULES);
    const first = ['privileged', 'hostUsers'];
    const ids = RUNNING_ORDER.map(({ id }) => id);
    expect(ids).to.deep.equal([...first, ...RULE_IDS.filter((id) => !first.includes(id))]);
  });
  it('holds each file of src/hardening/rules, under its name', () => {
    expect(filesIn('../src/hardening/rules').sort()).to.deep.equal(RULES.map(({ id }) => `${id}.ts`).sort());
  });
  it('has a test for each rule, and no test without one', () => {
    expect(filesIn('hardening/rules').sort()).to.deep.equal(RULES.map(({ id }) => `${id}.test.ts`).sort());
  });
  it('gives no two rules the same title or reason', () => {
    for (const key of ['title', 'reason'] as const)
      expect(new Set(RULES.map((rule) => rule[key])).size).to.equal(RULES.length);
  });
  it('finds rules by id', () => {
    expect([...RULES_BY_ID.keys()]).to.deep.equal(RULES.map(({ id }) => id));
  });
});

const paths = new Map<RuleId, Set<string>>();
const HOST = { name: 'host', hostPath: { path: '/etc' } };
const MODEL = { name: 'model', image: { reference: 'registry.example/models/small:3' } };
const NAME = 'kube-api-access-x7k2p';
const TOKEN = { name: NAME, projected: { sources: [{ serviceAccountToken: {} }] } };
const MOUNTS = [
  { name: 'host', mountPath: '/host' },
  { name: NAME, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
];
const ANNOTATIONS = {
  'seccomp.security.alpha.kubernetes.io/pod': 'unconfined',
  'container.seccomp.security.alpha.kubernetes.io/web': 'unconfined',
  'container.apparmor.security.beta.kubernetes.io/side': 'unconfined',
};
const contexts = [
  {},
  { runAsUser: 1000 },
  { runAsUser: 0, allowPrivilegeEscalation: true, readOnlyRootFilesystem: false },
  { privileged: true, seccompProfile: { type: 'Unconfined' } },
  { appArmorProfile: { type: 'Unconfined' }, procMount: 'Unmasked' },
  { runAsNonRoot: false, capabilities: { add: ['NET_ADMIN'], drop: ['all'] } },
];
const scheduling = {
  action: 'Override',
  nodeSelector: { tenant: 'shop' },
  tolerations: [{ key: 'tenant', operator: 'Exists' }],
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchExpressions: [{ key: 'tenant', operator: 'Exists' }] }],
    },
  },
} as const;

function* samples(): Generator<[Pod, HardenOptions]> {
  const policies: HardenOptions[] = (['default', 'restricted'] as const).flatMap((policy) =>
    [[], [{ rules: RULE_IDS, containers: ['side'] }]].map((exceptions) => ({
      policy,
      exceptions,
      valid: false,
      rules: {
        scheduling,
        automountServiceAccountToken: 'Override',
        readOnlyRootFilesystem: 'Override',
        appArmorProfile: { action: 'Override', whenUnset: 'Set' },
        procMount: 'Override',
        hostUsers: 'Override',
        enableServiceLinks: 'Override',
        imagePullPolicy: 'Override',
        supplementalGroupsPolicy: 'Override',
      },
    })),
  );
  for (const options of policies) {
    for (const own of contexts) {
      for (const onPod of contexts) {
        const web = container({
          image: 'nginx',
          securityContext: own,
          volumeMounts: MOUNTS,
          ports: [{ containerPort: 80, hostPort: 80 }],
        });
        const given = pod(
          {
            ...{ hostNetwork: true, hostPID: true, hostIPC: true, volumes: [HOST, TOKEN, MODEL] },
            securityContext:
              onPod === contexts[0]
                ? { seccompProfile: { type: 'Unconfined' } }
                : { runAsUser: onPod.runAsUser, runAsNonRoot: onPod.runAsNonRoot },
            affinity:
              onPod.runAsUser === 0
                ? {
                    nodeAffinity: {
                      requiredDuringSchedulingIgnoredDuringExecution: {
                        nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator: 'Exists' }] }],
                      },
                    },
                  }
                : {},
            initContainers: [{ ...web, name: 'init' }],
            containers: [web, container({ name: 'side', securityContext: own })],
            ephemeralContainers: [{ ...web, name: 'debug', ports: [] }],
          },
          { annotations: ANNOTATIONS },
        );
        yield [given, options];
        yield [given, { ...options, scope: 'ephemeralContainers', addedEphemeral: [0] }];
      }
    }
    yield [
      pod({ os: { name: 'windows' }, securityContext: { windowsOptions: { runAsUserName: 'app' } } }),
      options,
    ];
    // A Linux pod that says so all the same: the API server takes it, and a Linux kubelet ignores it.
    const hostProcess = { securityContext: { windowsOptions: { hostProcess: true } } };
    yield [
      pod({
        hostNetwork: true,
        ...hostProcess,
        initContainers: [container({ name: 'init', ...hostProcess })],
        containers: [container(hostProcess)],
      }),
      options,
    ];
    yield [pod(), options];
  }
}

/** `spec.nodeSelector[*]` stands for any key of the map, however it is written. */
function covers(declared: string, written: string): boolean {
  const escaped = declared.replace(/[.[\]*]/g, '\\$&');
  const pattern = escaped.replace(/\\\[\\\*\\\]$/, '(?:\\[[^\\]]+\\]|\\.[\\w-]+)');
  return new RegExp(`^${pattern}$`).test(written);
}

describe('rules', () => {
  before(() => {
    for (const [given, options] of samples()) {
      for (const { rule, path } of hardenPod(JSON.parse(JSON.stringify(given)) as Pod, options).changes) {
        const general = fieldPath(path).replace(/\[\d+\]/g, '[*]');
        const known = paths.get(rule) ?? new Set();
        paths.set(rule, known.add(general));
      }
    }
  });

  for (const rule of RULES) {
    describe(`the rule ${rule.id}`, () => {
      it('has complete metadata', () => {
        expect(rule.title).to.match(/^[A-Z].{10,90}[^.]$/);
        expect(rule.reason).to.match(/^[A-Z].{20,200}\.$/);
        expect(['low', 'medium', 'high']).to.include(rule.risk);
        expect(['any', 'linux']).to.include(rule.os);
        expect(rule.sets.Default).to.not.equal('');
        expect(rule.sets.Override).to.not.equal('');
        if (rule.control) expect(['baseline', 'restricted']).to.include(rule.control.level);
      });
      it('can be Disabled, Warn and Deny, and says why it refuses what it refuses', () => {
        expect(rule.actions).to.include.members(['Warn', 'Deny', 'Disabled']);
        expect(ACTIONS.filter((action) => rule.actions.includes(action))).to.deep.equal(rule.actions);
        const refused = ACTIONS.filter((action) => !rule.actions.includes(action));
        expect(Object.keys(rule.refused ?? {})).to.have.members(refused);
        for (const action of refused) expect(rule.refused?.[action]).to.match(/.{20,}/);
      });
      it('declares every field that it writes', () => {
        const written = [...(paths.get(rule.id) ?? [])];
        const undeclared = written.filter((path) => !rule.fields.some((field) => covers(field, path)));
        expect(undeclared).to.deep.equal([]);
      });
      it('writes every field that it declares', () => {
        const written = [...(paths.get(rule.id) ?? [])];
        expect(rule.fields.filter((field) => !written.some((path) => covers(field, path)))).to.deep.equal([]);
      });
      it('has a page in docs/rules', () => {
        expect(existsSync(new URL(`../docs/rules/${rule.id}.md`, import.meta.url))).to.equal(true);
      });
    });
  }
});
