import { expect } from 'chai';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_CAPABILITIES } from '../../src/hardening/capabilityNames.js';
import { RULE_IDS } from '../../src/hardening/rule.js';
import {
  BUILTIN_IMAGE_PROFILES,
  BUILTIN_POLICIES,
  BUILTIN_POLICY_TEXTS,
} from '../../src/policy/builtin.generated.js';
import { loadPolicies, loadPolicyPath } from '../../src/policy/load.js';
import type { Policy } from '../../src/policy/policy.js';
import { PolicyError } from '../../src/policy/policyError.js';
import { toJsonSchema } from '../../src/policy/schema.js';

const HEAD = 'apiVersion: kube-harden.io/v1alpha1\nkind: HardeningPolicy\n';

/** A policy's text from what stands under `spec`, one JSON value. */
const policy = (spec: unknown, name = 'test'): string =>
  `${HEAD}metadata: {name: ${name}}\nspec: ${JSON.stringify(spec)}\n`;

function issuesOf(load: () => unknown): { path: string; message: string; line?: number | undefined }[] {
  try {
    load();
  } catch (error) {
    if (error instanceof PolicyError) return [...error.issues];
    throw error;
  }
  return [];
}

function one(text: string): Policy {
  const [loaded, ...rest] = loadPolicies(text);
  expect(rest).to.deep.equal([]);
  if (!loaded) throw new Error('no policy');
  return loaded;
}

const builtin = (name: string): Policy => {
  const found = BUILTIN_POLICIES.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`no built-in ${name}`);
  return found;
};

const EXCEPTION = { name: 'e', reason: 'r', match: { namespaces: ['billing'] }, rules: ['sshd'] };
const exception = (part: object) => ({ exceptions: [{ ...EXCEPTION, ...part }] });
const profile = (part: object) => ({ imageProfiles: [{ images: ['docker.io/library/x'], ...part }] });
const rule = (id: string, settings: unknown) => ({ rules: { [id]: settings } });
const affinity = (terms: unknown) => ({
  nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } },
});
const TERM = { matchExpressions: [{ key: 'pool', operator: 'In', values: ['a'] }] };

describe('a policy that is wrong', () => {
  const cases: readonly (readonly [name: string, spec: unknown, path: string, message: RegExp])[] = [
    ['an unknown rule', rule('runAsUsr', {}), 'rules.runAsUsr', /^unknown rule; did you mean "runAsUser"\?$/],
    ['an unknown rule like none', rule('zzzzzz', {}), 'rules.zzzzzz', /^unknown rule$/],
    [
      'an unknown setting',
      rule('runAsUser', { vlaue: 1 }),
      'rules.runAsUser.vlaue',
      /^unknown field; did you mean "value"\?$/,
    ],
    ['an unknown field', { warning: 'Full' }, 'warning', /^unknown field; did you mean "warnings"\?$/],
    ['a setting of another rule', rule('sshd', { value: 1 }), 'rules.sshd.value', /^unknown field$/],
    [
      'an unknown action',
      rule('sshd', { action: 'Wran' }),
      'rules.sshd.action',
      /is not one of .*; did you mean "Warn"\?$/,
    ],
    [
      'an action in lower case',
      rule('privileged', { action: 'warn' }),
      'rules.privileged.action',
      /did you mean "Warn"\?$/,
    ],
    [
      'an unquoted off',
      rule('sshd', { action: false }),
      'rules.sshd.action',
      /YAML reads .* as booleans.*did you mean "Disabled"\?$/,
    ],
    ['an action as a number', rule('sshd', { action: 1 }), 'rules.sshd.action', /^1 is not one of/],
    ['a rule that is no mapping', rule('sshd', 'Warn'), 'rules.sshd', /^"Warn" is not a mapping$/],
    [
      'Override of runtimeSocket',
      rule('runtimeSocket', { action: 'Override' }),
      'rules.runtimeSocket.action',
      /cannot be Override: .*socket.*Deny/,
    ],
    ['Override of sshd', rule('sshd', { action: 'Override' }), 'rules.sshd.action', /cannot be Override: /],
    [
      'an unknown optOut',
      rule('sshd', { optOut: 'Never' }),
      'rules.sshd.optOut',
      /^"Never" is not one of Allowed, Forbidden$/,
    ],
    ...(['enableServiceLinks', 'imagePullPolicy'] as const).map(
      (id) =>
        [
          `Default of ${id}`,
          rule(id, { action: 'Default' }),
          `rules.${id}.action`,
          /cannot be Default: the API server fills in .* use Override; it can be Override, Warn, Deny, Disabled$/,
        ] as const,
    ),
    [
      'an AppArmor profile of the node',
      rule('appArmorProfile', { type: 'Localhost' }),
      'rules.appArmorProfile.type',
      /^Localhost is never written: /,
    ],
    [
      'no AppArmor profile',
      rule('appArmorProfile', { type: 'Unconfined' }),
      'rules.appArmorProfile.type',
      /^Unconfined is no hardening: /,
    ],
    [
      'another AppArmor profile',
      rule('appArmorProfile', { type: 'runtime/default' }),
      'rules.appArmorProfile.type',
      /^must be RuntimeDefault, not "runtime\/default"$/,
    ],
    ['uid 0', rule('runAsUser', { value: 0 }), 'rules.runAsUser.value', /^0 is root$/],
    ['gid 0', rule('runAsUser', { group: 0 }), 'rules.runAsUser.group', /^0 is root$/],
    ['fsGroup 0', rule('runAsUser', { fsGroup: 0 }), 'rules.runAsUser.fsGroup', /^0 is root$/],
    [
      'a negative uid',
      rule('runAsUser', { value: -1 }),
      'rules.runAsUser.value',
      /^must be from 1 to 2147483647$/,
    ],
    [
      'a uid beyond the API',
      rule('runAsUser', { value: 2147483648 }),
      'rules.runAsUser.value',
      /^must be from 1/,
    ],
    [
      'a uid as text',
      rule('runAsUser', { value: '1000' }),
      'rules.runAsUser.value',
      /^"1000" is not a whole number$/,
    ],
    [
      'a fraction of a uid',
      rule('runAsUser', { value: 1.5 }),
      'rules.runAsUser.value',
      /is not a whole number$/,
    ],
    [
      'an unknown strategy',
      rule('runAsUser', { strategy: 'Range' }),
      'rules.runAsUser.strategy',
      /^"Range" is not one of/,
    ],
    [
      'drop all in lower case',
      rule('capabilities', { drop: ['all'] }),
      'rules.capabilities.drop[0]',
      /^must be exactly \[ALL\]/,
    ],
    [
      'drop nothing',
      rule('capabilities', { drop: [] }),
      'rules.capabilities.drop',
      /^must be exactly \[ALL\]/,
    ],
    [
      'drop more than ALL',
      rule('capabilities', { drop: ['ALL', 'ALL'] }),
      'rules.capabilities.drop',
      /^must be exactly \[ALL\]/,
    ],
    [
      'a capability with CAP_',
      rule('capabilities', { allowedAdd: ['CAP_KILL'] }),
      'rules.capabilities.allowedAdd[0]',
      /without CAP_: KILL$/,
    ],
    [
      'a capability in lower case',
      rule('capabilities', { allowedAdd: ['cap_kill'] }),
      'rules.capabilities.allowedAdd[0]',
      /upper case without CAP_: KILL$/,
    ],
    [
      'a capability that is none',
      rule('capabilities', { allowedAdd: ['a b'] }),
      'rules.capabilities.allowedAdd[0]',
      /is not the name of a capability/,
    ],
    [
      'every capability allowed',
      rule('capabilities', { allowedAdd: ['ALL'] }),
      'rules.capabilities.allowedAdd[0]',
      /would allow every capability/,
    ],
    [
      'a capability twice',
      rule('capabilities', { allowedAdd: ['KILL', 'KILL'] }),
      'rules.capabilities.allowedAdd[1]',
      /is listed twice$/,
    ],
    ...(
      [
        ['tmp', /must be absolute/],
        ['/', /is the whole root file system/],
        ['/tmp/', /must not end in \/$/],
        ['/a/../b', /must not contain \. or \.\.$/],
        ['//tmp', /must not contain \/\/$/],
        ['/a:b', /must not contain :/],
      ] as const
    ).map(
      ([path, message]) =>
        [
          `the writable path ${path}`,
          rule('readOnlyRootFilesystem', { writablePaths: [path] }),
          'rules.readOnlyRootFilesystem.writablePaths[0]',
          message,
        ] as const,
    ),
    [
      'a writable path twice',
      rule('readOnlyRootFilesystem', { writablePaths: ['/a', '/a'] }),
      'rules.readOnlyRootFilesystem.writablePaths[1]',
      /is listed twice$/,
    ],
    [
      'a size that is none',
      rule('readOnlyRootFilesystem', { sizeLimit: '1Gib' }),
      'rules.readOnlyRootFilesystem.sizeLimit',
      /^"1Gib" is not a quantity/,
    ],
    [
      'a size of 0',
      rule('readOnlyRootFilesystem', { sizeLimit: 0 }),
      'rules.readOnlyRootFilesystem.sizeLimit',
      /^0 must be above 0$/,
    ],
    [
      'seccomp Localhost',
      rule('seccompProfile', { type: 'Localhost' }),
      'rules.seccompProfile.type',
      /may not be on the node/,
    ],
    [
      'seccomp Unconfined',
      rule('seccompProfile', { type: 'Unconfined' }),
      'rules.seccompProfile.type',
      /is no hardening/,
    ],
    [
      'a quantity that is none',
      rule('resources', { limits: { memory: '12Q' } }),
      'rules.resources.limits.memory',
      /^"12Q" is not a quantity/,
    ],
    [
      'a negative quantity',
      rule('resources', { limits: { cpu: '-1' } }),
      'rules.resources.limits.cpu',
      /must be above 0$/,
    ],
    [
      'half a byte of memory',
      rule('resources', { limits: { memory: '512m' } }),
      'rules.resources.limits.memory',
      /^"512m" is a fraction of a byte; write 512Mi for mebibytes$/,
    ],
    [
      'a fraction of a byte for emptyDirs',
      rule('readOnlyRootFilesystem', { sizeLimit: '1500m' }),
      'rules.readOnlyRootFilesystem.sizeLimit',
      /^"1500m" is a fraction of a byte/,
    ],
    [
      'a fraction of a byte in a profile',
      profile({ sizeLimit: '5m' }),
      'imageProfiles[0].sizeLimit',
      /^"5m" is a fraction of a byte/,
    ],
    [
      'an unknown resource',
      rule('resources', { limits: { mem: '1Gi' } }),
      'rules.resources.limits.mem',
      /^unknown field/,
    ],
    [
      'a request above its limit',
      rule('resources', { requests: { cpu: '2' }, limits: { cpu: '1500m' } }),
      'rules.resources.requests.cpu',
      /^2 is above limits\.cpu, 1500m$/,
    ],
    [
      'a limit below the default request',
      rule('resources', { limits: { memory: '64Mi' } }),
      'rules.resources.requests.memory',
      /^128Mi is above limits\.memory, 64Mi$/,
    ],
    [
      'a relative host path',
      rule('hostPath', { paths: ['etc'] }),
      'rules.hostPath.paths[0]',
      /must be absolute/,
    ],
    [
      'an allowed path without path',
      rule('hostPath', { allowed: [{ readOnly: true }] }),
      'rules.hostPath.allowed[0].path',
      /^is required$/,
    ],
    [
      'a selector value that is no string',
      rule('scheduling', { nodeSelector: { a: 1 } }),
      'rules.scheduling.nodeSelector.a',
      /^1 is not a string: quote it$/,
    ],
    [
      'a selector value that is null',
      rule('scheduling', { nodeSelector: { a: null } }),
      'rules.scheduling.nodeSelector.a',
      /is not a string/,
    ],
    [
      'a selector key that is none',
      rule('scheduling', { nodeSelector: { 'a b': 'x' } }),
      'rules.scheduling.nodeSelector["a b"]',
      /is not a label key$/,
    ],
    [
      'a selector value that is none',
      rule('scheduling', { nodeSelector: { a: '-' } }),
      'rules.scheduling.nodeSelector.a',
      /is not a label value$/,
    ],
    [
      'a toleration of everything by Equal',
      rule('scheduling', { tolerations: [{}] }),
      'rules.scheduling.tolerations[0].operator',
      /must be Exists/,
    ],
    [
      'a toleration with Exists and a value',
      rule('scheduling', { tolerations: [{ key: 'a', operator: 'Exists', value: 'x' }] }),
      'rules.scheduling.tolerations[0].value',
      /must not be given/,
    ],
    [
      'tolerationSeconds without NoExecute',
      rule('scheduling', { tolerations: [{ key: 'a', tolerationSeconds: 5 }] }),
      'rules.scheduling.tolerations[0].effect',
      /must be NoExecute/,
    ],
    [
      'an unknown effect',
      rule('scheduling', { tolerations: [{ key: 'a', effect: 'NoExec' }] }),
      'rules.scheduling.tolerations[0].effect',
      /is not one of/,
    ],
    [
      'two terms',
      rule('scheduling', affinity([TERM, TERM])),
      'rules.scheduling.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms',
      /exactly one term: terms are OR-ed/,
    ],
    [
      'no term',
      rule('scheduling', affinity([])),
      'rules.scheduling.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms',
      /exactly one term/,
    ],
    [
      'In without values',
      rule('scheduling', affinity([{ matchExpressions: [{ key: 'a', operator: 'In' }] }])),
      'rules.scheduling.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].values',
      /must not be empty/,
    ],
    [
      'preferred affinity',
      rule('scheduling', {
        nodeAffinity: {
          ...affinity([TERM]).nodeAffinity,
          preferredDuringSchedulingIgnoredDuringExecution: [],
        },
      }),
      'rules.scheduling.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution',
      /^unknown field/,
    ],
    ['warnings of no kind', { warnings: 'full' }, 'warnings', /did you mean "Full"\?$/],
    [
      'templates of no kind',
      { templates: 'Deny' },
      'templates',
      /^"Deny" is not one of Warn, Mutate, Ignore$/,
    ],
    ['unknownImages of no kind', { unknownImages: 'safe' }, 'unknownImages', /did you mean "Safe"\?$/],
    [
      'a profile without images',
      { imageProfiles: [{ runAsUser: 1 }] },
      'imageProfiles[0].images',
      /^is required$/,
    ],
    [
      'a profile of no image',
      { imageProfiles: [{ images: [] }] },
      'imageProfiles[0].images',
      /at least one image/,
    ],
    ['a profile that runs as root', profile({ runAsUser: 0 }), 'imageProfiles[0].runAsUser', /^0 is root$/],
    ['a profile with group 0', profile({ runAsGroup: 0 }), 'imageProfiles[0].runAsGroup', /^0 is root$/],
    ['a profile with port 0', profile({ ports: [0] }), 'imageProfiles[0].ports[0]', /port from 1 to 65535$/],
    [
      'a profile with port 65536',
      profile({ ports: [65536] }),
      'imageProfiles[0].ports[0]',
      /port from 1 to 65535$/,
    ],
    [
      'a profile that gives SYS_ADMIN back',
      profile({ startsAsRoot: { capabilities: ['SYS_ADMIN'] } }),
      'imageProfiles[0].startsAsRoot.capabilities[0]',
      /no more than a container has by default/,
    ],
    [
      'a profile that needs NET_ADMIN',
      profile({ needs: ['NET_ADMIN'] }),
      'imageProfiles[0].needs[0]',
      /no more than a container has by default/,
    ],
    [
      'a profile with a misspelt capability',
      profile({ needs: ['CHWON'] }),
      'imageProfiles[0].needs[0]',
      /did you mean "CHOWN"\?$/,
    ],
    [
      'a profile with CAP_',
      profile({ needs: ['CAP_CHOWN'] }),
      'imageProfiles[0].needs[0]',
      /without CAP_: CHOWN$/,
    ],
    [
      'a profile with an unknown need',
      profile({ needs: ['writableRoots'] }),
      'imageProfiles[0].needs[0]',
      /did you mean "writableRoot"\?$/,
    ],
    [
      'an exception without reason',
      exception({ reason: undefined }),
      'exceptions[0].reason',
      /^is required$/,
    ],
    [
      'an exception with an empty reason',
      exception({ reason: ' ' }),
      'exceptions[0].reason',
      /^must say why$/,
    ],
    ['an exception without name', exception({ name: undefined }), 'exceptions[0].name', /^is required$/],
    ['an exception without match', exception({ match: undefined }), 'exceptions[0].match', /^is required$/],
    [
      'an exception without namespaces',
      exception({ match: {} }),
      'exceptions[0].match.namespaces',
      /^is required$/,
    ],
    [
      'an exception for no namespace',
      exception({ match: { namespaces: [] } }),
      'exceptions[0].match.namespaces',
      /at least one/,
    ],
    [
      'an exception for *',
      exception({ match: { namespaces: ['*'] } }),
      'exceptions[0].match.namespaces[0]',
      /in every namespace/,
    ],
    [
      'an exception for *?*',
      exception({ match: { namespaces: ['a', '*?*'] } }),
      'exceptions[0].match.namespaces[1]',
      /in every namespace/,
    ],
    [
      'an exception for a name that is none',
      exception({ match: { namespaces: ['A_b'] } }),
      'exceptions[0].match.namespaces[0]',
      /is not a namespace/,
    ],
    [
      'an exception for no container',
      exception({ match: { namespaces: ['a'], containers: [] } }),
      'exceptions[0].match.containers',
      /must not be empty/,
    ],
    [
      'an exception for a label that is a number',
      exception({ match: { namespaces: ['a'], podLabels: { v: 1 } } }),
      'exceptions[0].match.podLabels.v',
      /quote it$/,
    ],
    ['an exception without rules', exception({ rules: undefined }), 'exceptions[0].rules', /^is required$/],
    ['an exception for no rule', exception({ rules: [] }), 'exceptions[0].rules', /at least one rule/],
    [
      'an exception for an unknown rule',
      exception({ rules: ['runAsRoot'] }),
      'exceptions[0].rules[0]',
      /is not one of/,
    ],
    [
      'an exception for a day that is none',
      exception({ expires: '2027-02-30' }),
      'exceptions[0].expires',
      /is not a day such as 2027-03-01$/,
    ],
    [
      'an exception for a day in short',
      exception({ expires: '2027-3-1' }),
      'exceptions[0].expires',
      /is not a day/,
    ],
    [
      'an exception for a moment',
      exception({ expires: '2027-03-01T00:00:00Z' }),
      'exceptions[0].expires',
      /is not a day/,
    ],
    [
      'two exceptions of one name',
      { exceptions: [EXCEPTION, EXCEPTION] },
      'exceptions[1].name',
      /is taken already$/,
    ],
  ];
  for (const [name, spec, path, message] of cases)
    it(`is refused for ${name}`, () => {
      const issues = issuesOf(() => loadPolicies(policy(spec)));
      expect(issues.map((issue) => issue.path)).to.deep.equal([`spec.${path}`]);
      expect(issues[0]?.message).to.match(message);
      expect(issues[0]?.line).to.equal(4);
    });

  const whole: readonly [name: string, text: string, path: string, message: RegExp][] = [
    ['another kind', 'apiVersion: v1\nkind: Pod\n', 'kind', /^"Pod" is not HardeningPolicy$/],
    [
      'a misspelt kind',
      'apiVersion: kube-harden.io/v1alpha1\nkind: HardeningPolcy\n',
      'kind',
      /did you mean "HardeningPolicy"\?$/,
    ],
    [
      'another version',
      'apiVersion: kube-harden.io/v1\nkind: HardeningPolicy\n',
      'apiVersion',
      /^"kube-harden.io\/v1" is not kube-harden.io\/v1alpha1$/,
    ],
    ['no kind', 'apiVersion: kube-harden.io/v1alpha1\n', 'kind', /^is required/],
    ['a text', 'hello\n', '', /^"hello" is not a HardeningPolicy$/],
    ['nothing', '# nothing\n', '', /^there is no HardeningPolicy in it$/],
    ['no name', `${HEAD}metadata: {}\nspec: {}\n`, 'metadata.name', /^is required$/],
    ['no metadata', `${HEAD}spec: {}\n`, 'metadata', /^is required$/],
    [
      'a name that is no label value',
      `${HEAD}metadata: {name: A b}\nspec: {}\n`,
      'metadata.name',
      /^must be a name/,
    ],
    [
      'a namespace',
      `${HEAD}metadata: {name: a, namespace: b}\nspec: {}\n`,
      'metadata.namespace',
      /^unknown field/,
    ],
    ['no spec', `${HEAD}metadata: {name: a}\nspec:\n`, 'spec', /^is required$/],
    ['bad YAML', `${HEAD}metadata: {name: a}\nspec: [\n`, '', /./],
    [
      'a key that stands twice',
      `${HEAD}metadata: {name: a}\nspec:\n  warnings: Full\n  warnings: None\n`,
      '',
      /^duplicate key "warnings", first on line 5$/,
    ],
  ];
  for (const [name, text, path, message] of whole)
    it(`is refused for ${name}`, () => {
      const issues = issuesOf(() => loadPolicies(text));
      expect(issues.map((issue) => issue.path)).to.deep.equal([path]);
      expect(issues[0]?.message).to.match(message);
    });

  it('says everything at once, over all documents, each with its line', () => {
    const bad = `${HEAD}metadata: {name: a}
spec:
  rules:
    runAsUsr: {}
    sshd:
      action: Override
      optOut: No
  exceptions:
  - name: x
---
${policy({ warnings: 'x' }, 'b')}`;
    expect(
      issuesOf(() => loadPolicies(bad, { source: 'p.yaml' })).map(({ path, line }) => `${line}: ${path}`),
    ).to.deep.equal([
      '6: spec.rules.runAsUsr',
      '8: spec.rules.sshd.action',
      '9: spec.rules.sshd.optOut',
      '11: spec.exceptions[0].reason',
      '11: spec.exceptions[0].match',
      '11: spec.exceptions[0].rules',
      '16: spec.warnings',
    ]);
    expect(() => loadPolicies(bad, { source: 'p.yaml' })).to.throw(
      PolicyError,
      'p.yaml:6: spec.rules.runAsUsr: unknown rule; did you mean "runAsUser"?',
    );
  });

  it('is refused when two have one name', () => {
    const [issue] = issuesOf(() => loadPolicies(`${policy({})}---\n${policy({})}`, { source: 'p.yaml' }));
    expect(issue).to.deep.include({ path: 'metadata.name', line: 8 });
    expect(issue?.message).to.equal('"test" is the name of another policy, p.yaml:3');
  });
});

describe('a policy that is right', () => {
  it('has all the defaults of the built-in policy default', () => {
    expect({ ...one(policy({})), name: 'default' }).to.deep.equal(builtin('default'));
  });

  it('keeps the defaults that a rule does not name, field by field', () => {
    const { runAsUser, sshd } = one(
      policy({ rules: { runAsUser: { value: 1000 }, sshd: { action: 'Deny' } } }),
    ).rules;
    expect(runAsUser).to.deep.equal({
      action: 'Default',
      optOut: 'Allowed',
      settings: {
        strategy: 'Fixed',
        value: 1000,
        group: 65532,
        fsGroup: 65532,
        whenNonRootDeclared: 'Keep',
        existingVolumes: 'Keep',
      },
    });
    expect(sshd).to.deep.equal({ action: 'Deny', optOut: 'Allowed', settings: {} });
  });

  it('takes null for a field that is not there', () => {
    const text = `${HEAD}metadata:\n  name: test\n  labels:\nspec:\n  rules:\n    sshd:\n  exceptions:\n  imageProfiles:\n`;
    expect({ ...one(text), name: 'default' }).to.deep.equal(builtin('default'));
  });

  it('replaces requests and limits whole, and takes numbers for quantities', () => {
    const { settings } = one(
      policy(rule('resources', { requests: {}, limits: { cpu: 2, 'ephemeral-storage': '1Gi' } })),
    ).rules.resources;
    expect(settings).to.deep.equal({ requests: {}, limits: { cpu: '2', 'ephemeral-storage': '1Gi' } });
  });

  it('allows a host path read-only unless it says otherwise', () => {
    const { settings } = one(
      policy(rule('hostPath', { allowed: [{ path: '/a' }, { path: '/b', readOnly: false }] })),
    ).rules.hostPath;
    expect(settings.allowed).to.deep.equal([
      { path: '/a', readOnly: true },
      { path: '/b', readOnly: false },
    ]);
  });

  it('has scheduling as pods have it', () => {
    const settings = {
      nodeSelector: { 'example.com/pool': 'a' },
      tolerations: [
        { operator: 'Exists' },
        { key: 'k', value: 'v', effect: 'NoExecute', tolerationSeconds: 5 },
      ],
      ...affinity([
        {
          matchExpressions: [
            { key: 'gen', operator: 'Gt', values: ['3'] },
            { key: 'gpu', operator: 'DoesNotExist' },
          ],
        },
      ]),
    };
    expect(
      one(policy(rule('scheduling', { action: 'Default', ...settings }))).rules.scheduling.settings,
    ).to.deep.equal(settings);
  });

  it('has the exception and the profile of the contract', () => {
    const text = `${HEAD}metadata: {name: test}
spec:
  imageProfiles:
    - images: ["docker.io/library/nginx"]
      runAsUser: 101
      writablePaths: [/var/cache/nginx, /run]
      ports: [80]
      startsAsRoot: {capabilities: [CHOWN, SETUID, SETGID, NET_BIND_SERVICE]}
      needs: [NET_BIND_SERVICE, writableRoot]
  exceptions:
    - name: legacy-billing
      reason: writes to its own image; ticket OPS-1432
      expires: 2027-03-01
      match: {namespaces: [billing, "team-*"], podLabels: {app: invoice}, containers: [main], images: ["registry.example/invoice:*"], serviceAccounts: [invoice]}
      rules: [readOnlyRootFilesystem]
`;
    const { imageProfiles, exceptions } = one(text);
    expect(imageProfiles[0]).to.deep.include({ runAsUser: 101, needs: ['NET_BIND_SERVICE', 'writableRoot'] });
    expect(exceptions[0]).to.deep.include({ expires: '2027-03-01', rules: ['readOnlyRootFilesystem'] });
    expect(one(text.replace('2027-03-01', '"2027-03-01"')).exceptions).to.deep.equal(exceptions);
  });

  it('comes as JSON, as a List and as the cluster gives it too', () => {
    const document = {
      apiVersion: 'kube-harden.io/v1alpha1',
      kind: 'HardeningPolicy',
      metadata: {
        name: 'a',
        generateName: 'a-',
        uid: 'u',
        resourceVersion: '1',
        managedFields: [{}],
        creationTimestamp: '2024-01-01T00:00:00Z',
      },
      spec: {},
      status: { anything: true },
    };
    expect(one(JSON.stringify(document)).name).to.equal('a');
    const list = {
      apiVersion: 'v1',
      kind: 'List',
      items: [document, { ...document, metadata: { name: 'b' } }],
    };
    expect(loadPolicies(JSON.stringify(list)).map(({ name }) => name)).to.deep.equal(['a', 'b']);
    const bad = { ...list, items: [document, { ...document, spec: { warnings: 1 } }] };
    expect(issuesOf(() => loadPolicies(JSON.stringify(bad))).map(({ path }) => path)).to.deep.equal([
      'items[1].spec.warnings',
    ]);
  });
});

describe('the built-in policies', () => {
  for (const { name } of BUILTIN_POLICIES)
    it(`${name} is generated from its YAML`, () => {
      expect(one(BUILTIN_POLICY_TEXTS[name] ?? '')).to.deep.equal(builtin(name));
    });

  const acting = (name: string, action: string) =>
    RULE_IDS.filter((id) => builtin(name).rules[id].action === action);

  it('are baseline, default and restricted', () => {
    expect(BUILTIN_POLICIES.map(({ name }) => name)).to.deep.equal(['baseline', 'default', 'restricted']);
  });
  it('act in baseline by two rules alone', () => {
    expect(acting('baseline', 'Default')).to.deep.equal(['allowPrivilegeEscalation', 'seccompProfile']);
    expect(acting('baseline', 'Warn')).to.have.length(11);
    expect([...acting('baseline', 'Override'), ...acting('baseline', 'Deny')]).to.deep.equal([]);
  });
  it('override in restricted whatever Pod Security asks for', () => {
    expect(acting('restricted', 'Override')).to.deep.equal([
      'privileged',
      'runAsNonRoot',
      'runAsUser',
      'capabilities',
      'allowPrivilegeEscalation',
      'seccompProfile',
      'hostNamespaces',
      'hostPath',
      'procMount',
      'appArmorProfile',
    ]);
    expect(acting('restricted', 'Deny')).to.deep.equal(['runtimeSocket']);
  });
  it('leave to the operator what nodes and programs must be ready for, and every opt-out Allowed', () => {
    for (const { name, rules } of BUILTIN_POLICIES) {
      for (const id of [
        'hostUsers',
        'enableServiceLinks',
        'imagePullPolicy',
        'supplementalGroupsPolicy',
      ] as const)
        expect(rules[id].action, id).to.equal('Disabled');
      const asked = name === 'restricted' ? 'Override' : 'Disabled';
      for (const id of ['procMount', 'appArmorProfile'] as const)
        expect(rules[id].action, id).to.equal(asked);
      for (const id of RULE_IDS) expect(rules[id].optOut, id).to.equal('Allowed');
    }
  });
  it('have profiles that lift no rule', () => {
    for (const { needs = [] } of BUILTIN_IMAGE_PROFILES)
      expect(DEFAULT_CAPABILITIES).to.include.members(needs);
  });
});

describe('the JSON Schema', () => {
  interface Schema {
    readonly type?: string;
    readonly properties?: Readonly<Record<string, Schema>>;
    readonly additionalProperties?: unknown;
    readonly items?: Schema;
    readonly enum?: readonly unknown[];
    readonly description?: string;
    readonly default?: unknown;
  }
  const spec = (toJsonSchema() as Schema).properties?.spec?.properties ?? {};

  it('knows every rule, with the actions that it can do', () => {
    const rules = spec.rules?.properties ?? {};
    expect(Object.keys(rules)).to.deep.equal([...RULE_IDS]);
    expect(rules.sshd?.properties?.action?.enum).to.deep.equal(['Default', 'Warn', 'Deny', 'Disabled']);
    expect(rules.imagePullPolicy?.properties?.action?.enum).to.not.include('Default');
    expect(rules.runAsUser?.properties?.value?.default).to.equal(65532);
  });

  it('describes every setting, and is strict', () => {
    for (const [id, { properties = {}, additionalProperties }] of Object.entries(
      spec.rules?.properties ?? {},
    )) {
      expect(additionalProperties, id).to.equal(false);
      for (const [field, { description }] of Object.entries(properties))
        expect(description, `${id}.${field}`).to.match(/\w/);
    }
  });

  it('has a place for everything in the built-in policies', () => {
    for (const { rules } of BUILTIN_POLICIES)
      for (const id of RULE_IDS)
        expect(Object.keys(spec.rules?.properties?.[id]?.properties ?? {})).to.include.members(
          Object.keys(rules[id].settings),
        );
  });
});

describe('loadPolicyPath', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kube-harden-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
  };

  it('reads *.yaml, *.yml and *.json of a folder in order, and nothing else', () => {
    write('b.yml', policy({}, 'b'));
    write(
      'c.json',
      JSON.stringify({
        apiVersion: 'kube-harden.io/v1alpha1',
        kind: 'HardeningPolicy',
        metadata: { name: 'c' },
        spec: {},
      }),
    );
    write('a.yaml', policy({}, 'a'));
    write('README.md', 'not YAML: [');
    mkdirSync(join(folder, 'sub.yaml'));
    expect(loadPolicyPath(folder).map(({ name }) => name)).to.deep.equal(['a', 'b', 'c']);
    expect(loadPolicyPath(join(folder, 'b.yml')).map(({ name }) => name)).to.deep.equal(['b']);
  });
  it('says what is wrong in all files', () => {
    write('a.yaml', policy({ warnings: 'x' }));
    write('b.yaml', 'a: [');
    write('c.yaml', policy({}, 'c'));
    write('d.yaml', policy({}, 'c'));
    expect(() => loadPolicyPath(folder)).to.throw(
      PolicyError,
      /a\.yaml:4: spec\.warnings[^]*b\.yaml:\d: [^]*d\.yaml:3: metadata\.name: "c" is the name of another policy, .*c\.yaml:3/,
    );
  });
  it('refuses a folder without policies', () => {
    expect(() => loadPolicyPath(folder)).to.throw(PolicyError, /there is no \*\.yaml/);
  });
  it("throws the system's error for what is not there", () => {
    expect(() => loadPolicyPath(join(folder, 'none'))).to.throw(/ENOENT/);
  });
});
