/*
 * HardeningPolicies, right and wrong, with what an API server that has our CRD does with them. The loader's verdict is
 * the measure; test/policy/crd.test.ts holds it against this table, test/e2e does the same with a real API server.
 */

/** A HardeningPolicy as one would send it: not yet known to be right. */
export interface PolicyObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly spec?: unknown;
}

export interface WrongPolicy {
  readonly name: string;
  readonly document: PolicyObject;
  /** The field that the loader names. */
  readonly path: string;
  /**
   * - `refuses`: always, with `message`
   * - `prunes`: a field that the schema does not know; with fieldValidation=Strict, which kubectl asks for, it is refused
   *   with `message`, otherwise the field is dropped and there is a warning
   * - `accepts`: only the loader finds it, and the policy's status says so
   */
  readonly apiServer: 'refuses' | 'prunes' | 'accepts';
  /** Part of what the API server says. */
  readonly message?: string;
}

export interface RightPolicy {
  readonly name: string;
  readonly document: PolicyObject;
  /** Refused with this message, although a file with it would load. */
  readonly refused?: string;
}

export function policyObject(spec: unknown, name = 'test'): PolicyObject {
  return { apiVersion: 'kube-harden.io/v1alpha1', kind: 'HardeningPolicy', metadata: { name }, spec };
}

const rule = (id: string, settings: unknown) => ({ rules: { [id]: settings } });
const EXCEPTION = { name: 'e', reason: 'r', match: { namespaces: ['billing'] }, rules: ['sshd'] };
const exception = (part: object) => ({ exceptions: [{ ...EXCEPTION, ...part }] });
const profile = (part: object) => ({ imageProfiles: [{ images: ['docker.io/library/x'], ...part }] });
const affinity = (terms: unknown) => ({
  nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } },
});
const requirement = (value: object) => rule('scheduling', affinity([{ matchExpressions: [value] }]));
const TERM = { matchExpressions: [{ key: 'pool', operator: 'In', values: ['a'] }] };
const TERMS =
  'rules.scheduling.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms';
const VALUES = `${TERMS}[0].matchExpressions[0].values`;

type Case = readonly [name: string, spec: unknown, path: string, message: string];

const REFUSED: readonly Case[] = [
  ['an unknown action', rule('sshd', { action: 'Wran' }), 'rules.sshd.action', 'Unsupported value: "Wran"'],
  [
    'an action in lower case',
    rule('privileged', { action: 'warn' }),
    'rules.privileged.action',
    'Unsupported value: "warn"',
  ],
  ['an unquoted off', rule('sshd', { action: false }), 'rules.sshd.action', 'Unsupported value: false'],
  ['an action as a number', rule('sshd', { action: 1 }), 'rules.sshd.action', 'Unsupported value: 1'],
  ['a rule that is no mapping', rule('sshd', 'Warn'), 'rules.sshd', 'must be of type object'],
  [
    'Override of runtimeSocket',
    rule('runtimeSocket', { action: 'Override' }),
    'rules.runtimeSocket.action',
    'Unsupported value: "Override"',
  ],
  [
    'Override of sshd',
    rule('sshd', { action: 'Override' }),
    'rules.sshd.action',
    'Unsupported value: "Override"',
  ],
  ['an unknown optOut', rule('sshd', { optOut: 'Never' }), 'rules.sshd.optOut', 'Unsupported value: "Never"'],
  ...(['enableServiceLinks', 'imagePullPolicy'] as const).map((id): Case => [
    `Default of ${id}`,
    rule(id, { action: 'Default' }),
    `rules.${id}.action`,
    'Unsupported value: "Default"',
  ]),
  ['uid 0', rule('runAsUser', { value: 0 }), 'rules.runAsUser.value', '0 is root'],
  ['gid 0', rule('runAsUser', { group: 0 }), 'rules.runAsUser.group', '0 is root'],
  ['fsGroup 0', rule('runAsUser', { fsGroup: 0 }), 'rules.runAsUser.fsGroup', '0 is root'],
  [
    'a negative uid',
    rule('runAsUser', { value: -1 }),
    'rules.runAsUser.value',
    'should be greater than or equal to 1',
  ],
  [
    'a uid beyond the API',
    rule('runAsUser', { value: 2147483648 }),
    'rules.runAsUser.value',
    'should be less than or equal to 2147483647',
  ],
  ['a uid as text', rule('runAsUser', { value: '1000' }), 'rules.runAsUser.value', 'must be of type integer'],
  [
    'a fraction of a uid',
    rule('runAsUser', { value: 1.5 }),
    'rules.runAsUser.value',
    'must be of type int64',
  ],
  [
    'an unknown strategy',
    rule('runAsUser', { strategy: 'Range' }),
    'rules.runAsUser.strategy',
    'Unsupported value: "Range"',
  ],
  [
    'drop all in lower case',
    rule('capabilities', { drop: ['all'] }),
    'rules.capabilities.drop[0]',
    'Unsupported value: "all"',
  ],
  [
    'drop nothing',
    rule('capabilities', { drop: [] }),
    'rules.capabilities.drop',
    'must be exactly [ALL]: Pod Security compares the word literally, and a list without it leaves the rest',
  ],
  [
    'drop more than ALL',
    rule('capabilities', { drop: ['ALL', 'ALL'] }),
    'rules.capabilities.drop',
    'must have at most 1 item',
  ],
  [
    'a capability with CAP_',
    rule('capabilities', { allowedAdd: ['CAP_KILL'] }),
    'rules.capabilities.allowedAdd[0]',
    'is written without CAP_',
  ],
  [
    'a capability in lower case',
    rule('capabilities', { allowedAdd: ['cap_kill'] }),
    'rules.capabilities.allowedAdd[0]',
    'is not the name of a capability such as NET_BIND_SERVICE, in upper case',
  ],
  [
    'a capability that is none',
    rule('capabilities', { allowedAdd: ['a b'] }),
    'rules.capabilities.allowedAdd[0]',
    'is not the name of a capability such as NET_BIND_SERVICE, in upper case',
  ],
  [
    'every capability allowed',
    rule('capabilities', { allowedAdd: ['ALL'] }),
    'rules.capabilities.allowedAdd[0]',
    'would allow every capability; name those that are allowed, or disable the rule',
  ],
  [
    'a capability twice',
    rule('capabilities', { allowedAdd: ['KILL', 'KILL'] }),
    'rules.capabilities.allowedAdd[1]',
    'Duplicate value: "KILL"',
  ],
  ...(
    [
      ['tmp', 'must be absolute'],
      ['/', 'is the whole root file system; to leave that writable, disable the rule'],
      ['/tmp/', 'must not end in /'],
      ['/a/../b', 'must not contain . or ..'],
      ['/a/.', 'must not contain . or ..'],
      ['//tmp', 'must not contain //'],
      ['/a:b', 'must not contain :, the API refuses it in a mountPath'],
    ] as const
  ).flatMap(([path, message]): Case[] => [
    [
      `the writable path ${path}`,
      rule('readOnlyRootFilesystem', { writablePaths: [path] }),
      'rules.readOnlyRootFilesystem.writablePaths[0]',
      message,
    ],
    [
      `the writable path ${path} of an image`,
      profile({ writablePaths: [path] }),
      'imageProfiles[0].writablePaths[0]',
      message,
    ],
  ]),
  [
    'the root as a volume for which an image starts as root',
    profile({ startsAsRoot: { capabilities: ['CHOWN'], volumes: ['/'] } }),
    'imageProfiles[0].startsAsRoot.volumes[0]',
    'is the whole root file system; name directories',
  ],
  [
    'the root as a data path of an image',
    profile({ dataPaths: ['/'] }),
    'imageProfiles[0].dataPaths[0]',
    'is the whole root file system; name directories',
  ],
  [
    'a writable path twice',
    rule('readOnlyRootFilesystem', { writablePaths: ['/a', '/a'] }),
    'rules.readOnlyRootFilesystem.writablePaths[1]',
    'Duplicate value: "/a"',
  ],
  [
    'a writable path that is too long',
    rule('readOnlyRootFilesystem', { writablePaths: [`/${'a'.repeat(512)}`] }),
    'rules.readOnlyRootFilesystem.writablePaths[0]',
    'Too long: may not be more than 512 bytes',
  ],
  [
    'a size that is none',
    rule('readOnlyRootFilesystem', { sizeLimit: '1Gib' }),
    'rules.readOnlyRootFilesystem.sizeLimit',
    'is not a quantity such as 500m, 1 or 128Mi',
  ],
  [
    'a size of 0',
    rule('readOnlyRootFilesystem', { sizeLimit: 0 }),
    'rules.readOnlyRootFilesystem.sizeLimit',
    'must be above 0',
  ],
  [
    'a size that is true',
    rule('readOnlyRootFilesystem', { sizeLimit: true }),
    'rules.readOnlyRootFilesystem.sizeLimit',
    'must be of type integer,string',
  ],
  [
    'seccomp Localhost',
    rule('seccompProfile', { type: 'Localhost' }),
    'rules.seccompProfile.type',
    'Unsupported value: "Localhost"',
  ],
  [
    'seccomp Unconfined',
    rule('seccompProfile', { type: 'Unconfined' }),
    'rules.seccompProfile.type',
    'Unsupported value: "Unconfined"',
  ],
  [
    'a quantity that is none',
    rule('resources', { limits: { memory: '12Q' } }),
    'rules.resources.limits.memory',
    'is not a quantity such as 500m, 1 or 128Mi',
  ],
  [
    'a negative quantity',
    rule('resources', { limits: { cpu: '-1' } }),
    'rules.resources.limits.cpu',
    'must be above 0',
  ],
  [
    'a request above its limit',
    rule('resources', { requests: { cpu: '2' }, limits: { cpu: '1500m' } }),
    'rules.resources.requests.cpu',
    '2 is above limits.cpu, 1500m',
  ],
  [
    'a limit below the default request',
    rule('resources', { limits: { memory: '64Mi' } }),
    'rules.resources.requests.memory',
    '128Mi is above limits.memory, 64Mi',
  ],
  [
    'more disk requested than allowed',
    rule('resources', { requests: { 'ephemeral-storage': '2Gi' }, limits: { 'ephemeral-storage': 1 } }),
    'rules.resources.requests.ephemeral-storage',
    '2Gi is above limits.ephemeral-storage, 1',
  ],
  [
    'a relative host path',
    rule('hostPath', { paths: ['etc'] }),
    'rules.hostPath.paths[0]',
    'must be absolute',
  ],
  [
    'a relative host path that is allowed',
    rule('hostPath', { allowed: [{ path: 'etc' }] }),
    'rules.hostPath.allowed[0].path',
    'must be absolute',
  ],
  [
    'an allowed path without path',
    rule('hostPath', { allowed: [{ readOnly: true }] }),
    'rules.hostPath.allowed[0].path',
    'Required value',
  ],
  [
    'a selector value that is no string',
    rule('scheduling', { nodeSelector: { a: 1 } }),
    'rules.scheduling.nodeSelector.a',
    'must be of type string',
  ],
  [
    'a selector value that is null',
    rule('scheduling', { nodeSelector: { a: null } }),
    'rules.scheduling.nodeSelector.a',
    'has a value that is null, which is not a string: quote it',
  ],
  [
    'a selector key that is none',
    rule('scheduling', { nodeSelector: { 'a b': 'x' } }),
    'rules.scheduling.nodeSelector["a b"]',
    '"a b" is not a label key',
  ],
  [
    'a selector key with a long prefix',
    rule('scheduling', { nodeSelector: { [`${'a'.repeat(254)}/b`]: 'x' } }),
    `rules.scheduling.nodeSelector["${'a'.repeat(254)}/b"]`,
    'is not a label key',
  ],
  [
    'a selector value that is none',
    rule('scheduling', { nodeSelector: { a: '-' } }),
    'rules.scheduling.nodeSelector.a',
    'is not a label value',
  ],
  [
    'a toleration of everything by Equal',
    rule('scheduling', { tolerations: [{}] }),
    'rules.scheduling.tolerations[0].operator',
    'must be Exists where no key is given',
  ],
  [
    'a toleration with Exists and a value',
    rule('scheduling', { tolerations: [{ key: 'a', operator: 'Exists', value: 'x' }] }),
    'rules.scheduling.tolerations[0].value',
    'must not be given with operator Exists',
  ],
  [
    'tolerationSeconds without NoExecute',
    rule('scheduling', { tolerations: [{ key: 'a', tolerationSeconds: 5 }] }),
    'rules.scheduling.tolerations[0].effect',
    'must be NoExecute where tolerationSeconds is given',
  ],
  [
    'an unknown effect',
    rule('scheduling', { tolerations: [{ key: 'a', effect: 'NoExec' }] }),
    'rules.scheduling.tolerations[0].effect',
    'Unsupported value: "NoExec"',
  ],
  [
    'a toleration of no taint key',
    rule('scheduling', { tolerations: [{ key: 'a/b/c' }] }),
    'rules.scheduling.tolerations[0].key',
    'is not a label key',
  ],
  ['two terms', rule('scheduling', affinity([TERM, TERM])), TERMS, 'must have at most 1 item'],
  ['no term', rule('scheduling', affinity([])), TERMS, 'should have at least 1 items'],
  [
    'In without values',
    requirement({ key: 'a', operator: 'In' }),
    VALUES,
    'must not be empty with operator In or NotIn',
  ],
  [
    'Exists with values',
    requirement({ key: 'a', operator: 'Exists', values: ['b'] }),
    VALUES,
    'must not be given with operator Exists or DoesNotExist',
  ],
  [
    'Gt with a word',
    requirement({ key: 'a', operator: 'Gt', values: ['b'] }),
    VALUES,
    'must be one whole number, as a string, with operator Gt or Lt',
  ],
  ['warnings of no kind', { warnings: 'full' }, 'warnings', 'Unsupported value: "full"'],
  ['templates of no kind', { templates: 'Deny' }, 'templates', 'Unsupported value: "Deny"'],
  ['unknownImages of no kind', { unknownImages: 'safe' }, 'unknownImages', 'Unsupported value: "safe"'],
  [
    'a profile without images',
    { imageProfiles: [{ runAsUser: 1 }] },
    'imageProfiles[0].images',
    'Required value',
  ],
  [
    'a profile of no image',
    { imageProfiles: [{ images: [] }] },
    'imageProfiles[0].images',
    'should have at least 1 items',
  ],
  [
    'a profile of an image with a space',
    { imageProfiles: [{ images: ['a b'] }] },
    'imageProfiles[0].images[0]',
    "should match '^\\S+$'",
  ],
  ['a profile that runs as root', profile({ runAsUser: 0 }), 'imageProfiles[0].runAsUser', '0 is root'],
  ['a profile with group 0', profile({ runAsGroup: 0 }), 'imageProfiles[0].runAsGroup', '0 is root'],
  [
    'a profile with a size that is none',
    profile({ sizeLimit: 'big' }),
    'imageProfiles[0].sizeLimit',
    'is not a quantity such as 500m, 1 or 128Mi',
  ],
  [
    'a profile with port 0',
    profile({ ports: [0] }),
    'imageProfiles[0].ports[0]',
    'should be greater than or equal to 1',
  ],
  [
    'a profile with port 65536',
    profile({ ports: [65536] }),
    'imageProfiles[0].ports[0]',
    'should be less than or equal to 65535',
  ],
  [
    'a profile with a port twice',
    profile({ ports: [80, 80] }),
    'imageProfiles[0].ports[1]',
    'Duplicate value: 80',
  ],
  [
    'a profile that gives SYS_ADMIN back',
    profile({ startsAsRoot: { capabilities: ['SYS_ADMIN'] } }),
    'imageProfiles[0].startsAsRoot.capabilities[0]',
    'Unsupported value: "SYS_ADMIN"',
  ],
  [
    'a profile that needs NET_ADMIN',
    profile({ needs: ['NET_ADMIN'] }),
    'imageProfiles[0].needs[0]',
    'Unsupported value: "NET_ADMIN"',
  ],
  [
    'a profile with CAP_',
    profile({ needs: ['CAP_CHOWN'] }),
    'imageProfiles[0].needs[0]',
    'Unsupported value: "CAP_CHOWN"',
  ],
  ['an exception without name', exception({ name: undefined }), 'exceptions[0].name', 'Required value'],
  ['an exception without reason', exception({ reason: undefined }), 'exceptions[0].reason', 'Required value'],
  ['an exception with a blank reason', exception({ reason: ' \t' }), 'exceptions[0].reason', 'must say why'],
  [
    'an exception with an empty name',
    exception({ name: '' }),
    'exceptions[0].name',
    'should be at least 1 chars long',
  ],
  [
    'an exception with a long name',
    exception({ name: 'a'.repeat(64) }),
    'exceptions[0].name',
    'Too long: may not be more than 63 bytes',
  ],
  ['an exception for everything', exception({ match: undefined }), 'exceptions[0].match', 'Required value'],
  [
    'an exception without namespaces',
    exception({ match: { containers: ['a'] } }),
    'exceptions[0].match.namespaces',
    'Required value',
  ],
  [
    'an exception for no namespace',
    exception({ match: { namespaces: [] } }),
    'exceptions[0].match.namespaces',
    'should have at least 1 items',
  ],
  [
    'an exception for *',
    exception({ match: { namespaces: ['*'] } }),
    'exceptions[0].match.namespaces[0]',
    "would lift the rules in every namespace; name the namespaces, or change the rule's action",
  ],
  [
    'an exception for *?*',
    exception({ match: { namespaces: ['a', '*?*'] } }),
    'exceptions[0].match.namespaces[1]',
    "would lift the rules in every namespace; name the namespaces, or change the rule's action",
  ],
  [
    'an exception for an empty name',
    exception({ match: { namespaces: [''] } }),
    'exceptions[0].match.namespaces[0]',
    "is not a namespace's name, nor a glob of one",
  ],
  [
    'an exception for a name that is none',
    exception({ match: { namespaces: ['A_b'] } }),
    'exceptions[0].match.namespaces[0]',
    "is not a namespace's name, nor a glob of one",
  ],
  [
    'an exception for a name that ends in -',
    exception({ match: { namespaces: ['a-'] } }),
    'exceptions[0].match.namespaces[0]',
    "is not a namespace's name, nor a glob of one",
  ],
  [
    'an exception for no container',
    exception({ match: { namespaces: ['a'], containers: [] } }),
    'exceptions[0].match.containers',
    'should have at least 1 items',
  ],
  [
    'an exception for an image without name',
    exception({ match: { namespaces: ['a'], images: [''] } }),
    'exceptions[0].match.images[0]',
    'should be at least 1 chars long',
  ],
  [
    'an exception for a label that is a number',
    exception({ match: { namespaces: ['a'], podLabels: { v: 1 } } }),
    'exceptions[0].match.podLabels.v',
    'must be of type string',
  ],
  [
    'an exception for a label that is null',
    exception({ match: { namespaces: ['a'], podLabels: { v: null } } }),
    'exceptions[0].match.podLabels.v',
    'has a value that is null, which is not a string: quote it',
  ],
  ['an exception without rules', exception({ rules: undefined }), 'exceptions[0].rules', 'Required value'],
  [
    'an exception for no rule',
    exception({ rules: [] }),
    'exceptions[0].rules',
    'should have at least 1 items',
  ],
  [
    'an exception for an unknown rule',
    exception({ rules: ['runAsRoot'] }),
    'exceptions[0].rules[0]',
    'Unsupported value: "runAsRoot"',
  ],
  [
    'an exception for a rule twice',
    exception({ rules: ['sshd', 'sshd'] }),
    'exceptions[0].rules[1]',
    'Duplicate value: "sshd"',
  ],
  [
    'an exception for a day that is none',
    exception({ expires: '2027-02-30' }),
    'exceptions[0].expires',
    'is not a day such as 2027-03-01',
  ],
  [
    'an exception for a leap day of another year',
    exception({ expires: '2100-02-29' }),
    'exceptions[0].expires',
    'is not a day such as 2027-03-01',
  ],
  [
    'an exception for the 31st of a month of 30',
    exception({ expires: '2027-04-31' }),
    'exceptions[0].expires',
    'is not a day such as 2027-03-01',
  ],
  [
    'an exception for a day in short',
    exception({ expires: '2027-3-1' }),
    'exceptions[0].expires',
    'is not a day such as 2027-03-01',
  ],
  [
    'an exception for a moment',
    exception({ expires: '2027-03-01T00:00:00Z' }),
    'exceptions[0].expires',
    'is not a day such as 2027-03-01',
  ],
  [
    'an exception for no day',
    exception({ expires: '' }),
    'exceptions[0].expires',
    'is not a day such as 2027-03-01',
  ],
  [
    'two exceptions of one name',
    { exceptions: [EXCEPTION, EXCEPTION] },
    'exceptions[1].name',
    'Duplicate value: {"name":"e"}',
  ],
  [
    'a namespace that is null',
    exception({ match: { namespaces: [null] } }),
    'exceptions[0].match.namespaces[0]',
    'must be of type string',
  ],
  [
    'more labels than there may be',
    exception({
      match: {
        namespaces: ['a'],
        podLabels: Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`l${String(index)}`, ''])),
      },
    }),
    'exceptions[0].match.podLabels',
    'must have at most 64 items',
  ],
  [
    'more exceptions than there may be',
    { exceptions: Array.from({ length: 1001 }, (_, index) => ({ ...EXCEPTION, name: `e${String(index)}` })) },
    'exceptions',
    'must have at most 1000 items',
  ],
  [
    'more namespaces than there may be',
    exception({ match: { namespaces: Array.from({ length: 101 }, (_, index) => `n${String(index)}`) } }),
    'exceptions[0].match.namespaces',
    'must have at most 100 items',
  ],
];

const PRUNED: readonly (readonly [name: string, spec: unknown, path: string])[] = [
  ['an unknown rule', rule('runAsUsr', {}), 'rules.runAsUsr'],
  ['an unknown setting', rule('runAsUser', { vlaue: 1 }), 'rules.runAsUser.vlaue'],
  ['an unknown field', { warning: 'Full' }, 'warning'],
  ['a setting of another rule', rule('sshd', { value: 1 }), 'rules.sshd.value'],
  ['an unknown resource', rule('resources', { limits: { mem: '1Gi' } }), 'rules.resources.limits.mem'],
  [
    'preferred affinity',
    rule('scheduling', {
      nodeAffinity: {
        ...affinity([TERM]).nodeAffinity,
        preferredDuringSchedulingIgnoredDuringExecution: [],
      },
    }),
    'rules.scheduling.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution',
  ],
  [
    'an exception with an unknown matcher',
    exception({ match: { namespaces: ['a'], users: ['b'] } }),
    'exceptions[0].match.users',
  ],
  ['a profile with an unknown field', profile({ port: 80 }), 'imageProfiles[0].port'],
];

const ACCEPTED: readonly (readonly [name: string, spec: unknown, path: string])[] = [
  // CEL and Go know other white space than JavaScript.
  [
    'a profile of an image with a no-break space',
    { imageProfiles: [{ images: ['a\u00a0b'] }] },
    'imageProfiles[0].images[0]',
  ],
  ['an exception whose reason is a byte order mark', exception({ reason: '\ufeff' }), 'exceptions[0].reason'],
];

export const WRONG_POLICIES: readonly WrongPolicy[] = [
  ...ACCEPTED.map(([name, spec, path]) => ({
    name,
    document: policyObject(spec),
    path: `spec.${path}`,
    apiServer: 'accepts' as const,
  })),
  ...REFUSED.map(([name, spec, path, message]) => ({
    name,
    document: policyObject(spec),
    path: `spec.${path}`,
    apiServer: 'refuses' as const,
    message,
  })),
  ...PRUNED.map(([name, spec, path]) => ({
    name,
    document: policyObject(spec),
    path: `spec.${path}`,
    apiServer: 'prunes' as const,
    message: `unknown field "spec.${path}"`,
  })),
  {
    name: 'a name that is no label value',
    document: policyObject({}, 'a'.repeat(64)),
    path: 'metadata.name',
    apiServer: 'refuses',
    message: 'must be a name of at most 63 characters: it is a label value',
  },
  {
    name: 'a name in capitals',
    document: policyObject({}, 'A'),
    path: 'metadata.name',
    apiServer: 'refuses',
    message: 'a lowercase RFC 1123 subdomain must consist of',
  },
  {
    name: 'no name',
    document: { ...policyObject({}), metadata: {} },
    path: 'metadata.name',
    apiServer: 'refuses',
    message: 'Required value',
  },
  {
    name: 'no spec',
    document: policyObject(undefined),
    path: 'spec',
    apiServer: 'refuses',
    message: 'Required value',
  },
  {
    name: 'a spec that is null',
    document: policyObject(null),
    path: 'spec',
    apiServer: 'refuses',
    message: 'Required value',
  },
];

export const RIGHT_POLICIES: readonly RightPolicy[] = [
  { name: 'nothing but a name', document: policyObject({}) },
  { name: 'rules without a rule', document: policyObject({ rules: {} }) },
  { name: 'one setting of one rule', document: policyObject(rule('runAsUser', { value: 1000 })) },
  { name: 'one action', document: policyObject(rule('sshd', { action: 'Deny', optOut: 'Forbidden' })) },
  {
    name: 'a setting of a rule that does not run',
    document: policyObject(rule('appArmorProfile', { whenUnset: 'Keep' })),
  },
  {
    name: 'an opt-out of a rule that does not run',
    document: policyObject(rule('hostUsers', { optOut: 'Forbidden' })),
  },
  {
    name: 'null for what is not there',
    document: policyObject({
      rules: { sshd: null, runAsUser: { value: null }, hostPath: { allowed: null } },
      exceptions: null,
      imageProfiles: null,
      warnings: null,
    }),
  },
  { name: 'null for rules', document: policyObject({ rules: null }) },
  {
    name: 'null for what has no default',
    document: policyObject({ ...exception({ expires: null }), ...profile({ runAsUser: null, needs: null }) }),
  },
  {
    name: 'no requests, numbers for limits',
    document: policyObject(
      rule('resources', { requests: {}, limits: { cpu: 2, 'ephemeral-storage': '1Gi' } }),
    ),
  },
  {
    name: 'requests equal to limits in other units',
    document: policyObject(
      rule('resources', {
        requests: { cpu: '0.5', memory: '1Gi' },
        limits: { cpu: '500m', memory: '1073741824' },
      }),
    ),
  },
  { name: 'requests alone', document: policyObject(rule('resources', { requests: { memory: '64Mi' } })) },
  {
    name: 'a size as a number',
    document: policyObject(rule('readOnlyRootFilesystem', { sizeLimit: 1048576, writablePaths: [] })),
  },
  {
    name: 'allowed host paths with and without readOnly',
    document: policyObject(
      rule('hostPath', {
        paths: ['/', '/var/lib'],
        allowed: [{ path: '/a' }, { path: '/b', readOnly: false }],
      }),
    ),
  },
  { name: 'no capability', document: policyObject(rule('capabilities', { allowedAdd: [] })) },
  {
    name: 'scheduling as pods have it',
    document: policyObject(
      rule('scheduling', {
        action: 'Default',
        nodeSelector: { 'example.com/pool': 'a', b: '' },
        tolerations: [
          { operator: 'Exists' },
          { key: 'k', value: 'v', effect: 'NoExecute', tolerationSeconds: 5 },
          { key: 'example.com/k', operator: 'Exists' },
        ],
        ...affinity([
          {
            matchExpressions: [
              { key: 'gen', operator: 'Gt', values: ['3'] },
              { key: 'gpu', operator: 'DoesNotExist' },
              TERM.matchExpressions[0],
            ],
          },
        ]),
      }),
    ),
  },
  {
    name: 'the exception and the profile of the contract',
    document: policyObject({
      warnings: 'Full',
      templates: 'Mutate',
      unknownImages: 'Safe',
      imageProfiles: [
        {
          images: ['docker.io/library/nginx'],
          runAsUser: 101,
          writablePaths: ['/var/cache/nginx', '/run'],
          sizeLimit: '2Gi',
          ports: [80],
          startsAsRoot: { capabilities: ['CHOWN', 'SETUID', 'SETGID', 'NET_BIND_SERVICE'] },
          needs: ['NET_BIND_SERVICE', 'writableRoot'],
        },
      ],
      exceptions: [
        {
          name: 'legacy-billing',
          reason: 'writes to its own image; ticket OPS-1432',
          expires: '2027-03-01',
          match: {
            namespaces: ['billing', 'team-*'],
            podLabels: { app: 'invoice' },
            containers: ['main'],
            images: ['registry.example/invoice:*'],
            serviceAccounts: ['invoice'],
          },
          rules: ['readOnlyRootFilesystem'],
        },
      ],
    }),
  },
  {
    name: 'an exception for no label',
    document: policyObject(exception({ match: { namespaces: ['a'], podLabels: {} } })),
    refused: 'must not be empty; leave it out to match all',
  },
  { name: 'a leap day', document: policyObject(exception({ expires: '2028-02-29' })) },
  { name: 'a leap day of a century', document: policyObject(exception({ expires: '2400-02-29' })) },
  { name: 'the last day of a year', document: policyObject(exception({ expires: '2027-12-31' })) },
  ...['.5', '1.', '+1', '1e3', '1E', '1Ki', '0.0000000001'].map((size) => ({
    name: `a size of ${size}`,
    document: policyObject(rule('readOnlyRootFilesystem', { sizeLimit: size })),
  })),
  {
    name: 'a name that is a label value but no object name',
    document: policyObject({}, 'a..b'),
    refused: 'a lowercase RFC 1123 subdomain must consist of',
  },
  { name: 'a name with dots', document: policyObject({}, 'team-a.v2') },
  { name: 'a name of 63 characters', document: policyObject({}, 'a'.repeat(63)) },
  {
    name: 'a fraction that is not quoted',
    document: policyObject(rule('resources', { requests: { cpu: 0.5 } })),
    refused: 'must be of type integer,string',
  },
];
