import { expect } from 'chai';
import type { Risk, RuleId } from '../../src/hardening/rule.js';
import { BUILTIN_POLICIES } from '../../src/policy/builtin.generated.js';
import type { PolicyRule } from '../../src/policy/policy.js';
import { StandalonePlans } from '../../src/policy/standalonePlans.js';
import { containersBehind, knowledgeLine } from '../../src/preview/imageKnowledge.js';
import { readManifests } from '../../src/preview/manifests.js';
import { diffNotes, notes } from '../../src/preview/notes.js';
import { previewFile, type FilePreview } from '../../src/preview/previewFile.js';
import type { PreviewChange, PreviewResult } from '../../src/preview/result.js';
import { summary } from '../../src/preview/summary.js';

const POLICIES = BUILTIN_POLICIES.map((policy) => ({
  ...policy,
  imageProfiles: [{ images: ['registry.example/shop/*'], runAsUser: 1000 }],
}));
const plans = new StandalonePlans({ policies: POLICIES, clock: Date.now });

async function preview(text: string): Promise<FilePreview> {
  return previewFile(readManifests(Buffer.from(text)), {}, plans);
}

async function resultOf(text: string): Promise<PreviewResult> {
  const [first] = (await preview(text)).previews;
  if (!first) throw new Error('no result');
  return first.result;
}

/** With a rule changed in every policy. */
async function resultWith(text: string, rule: RuleId, change: Partial<PolicyRule>): Promise<PreviewResult> {
  const policies = POLICIES.map((policy) => ({
    ...policy,
    rules: { ...policy.rules, [rule]: { ...policy.rules[rule], ...change } },
  }));
  const changed = new StandalonePlans({ policies, clock: Date.now });
  const { previews } = await previewFile(readManifests(Buffer.from(text)), {}, changed);
  if (!previews[0]) throw new Error('no result');
  return previews[0].result;
}

/** @param containers each as one line of YAML, without braces */
function deployment(...containers: string[]): string {
  const list = containers.map((container) => `      - {${container}}\n`).join('');
  const spec = `spec:\n  template:\n    spec:\n      containers:\n${list}`;
  return `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\n${spec}`;
}

/** `rule risk profile` of each change, each once. */
function risks({ changes }: PreviewResult): string[] {
  return [...new Set(changes.map(({ rule, risk, profile }) => `${rule} ${risk} ${profile ?? 'none'}`))];
}

const UNKNOWN = 'name: app, image: registry.example/other';

describe('what is known of images', () => {
  it('lowers the risk of what a profile answers for, and of nothing else', async () => {
    const result = await resultOf(deployment('name: web, image: nginx:1.27'));
    expect(risks(result)).to.deep.equal([
      'runAsNonRoot low known',
      'runAsUser low known',
      'capabilities low known',
      'allowPrivilegeEscalation low known',
      'readOnlyRootFilesystem low known',
      'seccompProfile low known',
      'resources medium none',
      'unprivilegedPorts low known',
    ]);
    expect(result.containers).to.deep.equal([
      {
        name: 'web',
        image: 'nginx:1.27',
        profile: { image: 'docker.io/library/nginx', from: 'builtIn' },
        settledBy: null,
      },
    ]);
  });

  it('leaves the risk of the rule where no profile is known, and names the command that would settle it', async () => {
    const result = await resultOf(deployment(UNKNOWN));
    expect(risks(result)).to.deep.equal([
      'runAsNonRoot medium unknown',
      'runAsUser high unknown',
      'capabilities medium unknown',
      'allowPrivilegeEscalation low unknown',
      'readOnlyRootFilesystem high unknown',
      'seccompProfile low unknown',
      'resources medium none',
    ]);
    expect(result.containers).to.deep.equal([
      {
        name: 'app',
        image: 'registry.example/other',
        profile: null,
        settledBy: 'kubectl harden learn deployment/web -n shop -c app',
      },
    ]);
  });

  it("says which of the policy's patterns matches", async () => {
    const result = await resultOf(deployment('name: cart, image: registry.example/shop/cart'));
    expect(result.containers[0]?.profile).to.deep.equal({
      image: 'registry.example/shop/*',
      from: 'policy',
    });
    expect(result.containers.map(knowledgeLine)).to.deep.equal([
      "the policy's image profile registry.example/shop/* is known",
    ]);
  });

  it("needs the profiles of all containers for a change of the pod's own", async () => {
    const result = await resultOf(deployment('name: web, image: nginx', UNKNOWN));
    const of = (field: string, container: string | null) => {
      const found = result.changes.find(
        (change) => change.container === container && change.field.endsWith(field),
      );
      return found && [found.risk, found.profile];
    };
    expect(of('readOnlyRootFilesystem', 'web')).to.deep.equal(['low', 'known']);
    expect(of('readOnlyRootFilesystem', 'app')).to.deep.equal(['high', 'unknown']);
    expect(of('seccompProfile', null)).to.deep.equal(['low', 'unknown']);
    expect(of('fsGroup', null)).to.deep.equal(['high', 'unknown']);
    const behind = (container: string | null, risk: Risk, profile: PreviewChange['profile']): string[] =>
      containersBehind([{ container, risk, profile }], result.containers).map(({ name }) => name);
    expect(behind('app', 'high', 'unknown')).to.deep.equal(['app']);
    expect(behind(null, 'low', 'known')).to.deep.equal(['web', 'app']);
    expect(behind(null, 'low', 'unknown'), 'nothing to settle').to.deep.equal([]);
    expect(behind(null, 'high', null)).to.deep.equal([]);
  });

  it('leaves the risk of a rule that goes against what the author wrote', async () => {
    const file = deployment('name: web, image: nginx, securityContext: {readOnlyRootFilesystem: false}');
    const result = await resultWith(file, 'readOnlyRootFilesystem', { action: 'Override' });
    const own = result.changes.find(({ before }) => before === false);
    expect(own).to.include({ rule: 'readOnlyRootFilesystem', risk: 'high', profile: null });
  });

  it('leaves the risk that a rule gives to a single change', async () => {
    const image =
      'name: cart, image: registry.example/shop/cart, securityContext: {capabilities: {add: [CHOWN]}}';
    const { changes } = await resultWith(deployment(image), 'capabilities', { optOut: 'Forbidden' });
    const drop = changes.find(({ field }) => field.endsWith('capabilities.drop'));
    expect(drop).to.include({ risk: 'high', profile: null });
  });

  describe('the command that would settle it', () => {
    const pod = (metadata: string, containers: string): string =>
      `apiVersion: v1\nkind: Pod\nmetadata: {${metadata}}\nspec:\n${containers}`;
    const one = `  containers:\n  - {${UNKNOWN}}\n`;
    const cases: [what: string, manifest: string, expected: readonly (string | null)[]][] = [
      ['of a pod', pod('name: web', one), ['kubectl harden learn pod/web -n default -c app']],
      [
        'of a pod that has no name yet: its image is looked at',
        pod('generateName: web-', one),
        ['kubectl harden profile registry.example/other'],
      ],
      [
        'of an init container, which ends by itself, and of a sidecar, which does not',
        pod(
          'name: web',
          '  initContainers:\n  - {name: setup, image: registry.example/setup}\n' +
            `  - {name: proxy, image: registry.example/proxy, restartPolicy: Always}\n${one}`,
        ),
        [
          'kubectl harden profile registry.example/setup',
          'kubectl harden learn pod/web -n default -c proxy',
          'kubectl harden learn pod/web -n default -c app',
        ],
      ],
      ['on Windows', pod('name: web', `  os: {name: windows}\n${one}`), [null]],
      [
        'never with what a shell would read otherwise',
        pod(
          'name: web',
          '  containers:\n  - {name: "a b", image: "x;reboot"}\n  - {name: -c, image: --version}\n',
        ),
        [null, null],
      ],
      [
        'of an image that the policy knows',
        pod('name: web', '  containers:\n  - {name: cart, image: registry.example/shop/cart}\n'),
        [null],
      ],
      ['of a kind without a pod', 'apiVersion: v1\nkind: Service\nmetadata: {name: web}\n', []],
    ];
    for (const [what, manifest, expected] of cases) {
      it(what, async () => {
        const { containers } = await resultOf(manifest);
        expect(containers.map(({ settledBy }) => settledBy)).to.deep.equal(expected);
      });
    }
  });

  it('is told once for each container in a summary, beside the risk that is left', async () => {
    const result = await resultOf(deployment('name: web, image: nginx', UNKNOWN));
    const lines = summary([result], false).split('\n');
    expect(lines).to.include.members([
      '                readOnlyRootFilesystem: 7 on "web" (low risk)',
      '                readOnlyRootFilesystem: 3 on "app" (high risk)',
      '  images        "web": the built-in image profile docker.io/library/nginx is known',
      '                "app": no image profile of registry.example/other is known; to settle it: kubectl harden learn deployment/web -n shop -c app',
    ]);
  });

  it('is told beside a diff, which shows no risk', async () => {
    const { previews } = await preview(deployment('name: web, image: nginx', UNKNOWN));
    expect(diffNotes(previews).slice(2)).to.deep.equal([
      '  risk: high: runAsUser, readOnlyRootFilesystem; medium: runAsNonRoot, capabilities, resources; low: runAsNonRoot, runAsUser, capabilities, allowPrivilegeEscalation, readOnlyRootFilesystem, seccompProfile, unprivilegedPorts',
      '  container "web": the built-in image profile docker.io/library/nginx is known',
      '  container "app": no image profile of registry.example/other is known; to settle it: kubectl harden learn deployment/web -n shop -c app',
    ]);
    expect(notes(previews).join('\n')).to.not.include('risk');
  });
});
