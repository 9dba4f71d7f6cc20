import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { applyPatch as applyDiff, diffLines } from 'diff';
import { decide } from '../../src/admission/decide.js';
import { BUILTIN_POLICIES } from '../../src/policy/builtin.generated.js';
import { loadPolicies } from '../../src/policy/load.js';
import { emptyFacts } from '../../src/policy/planChoices.js';
import { PlanUnavailableError } from '../../src/policy/planUnavailableError.js';
import { StandalonePlans } from '../../src/policy/standalonePlans.js';
import { parseKubernetesYaml } from '../../src/policy/yaml.js';
import type { PreviewChoices } from '../../src/preview/choices.js';
import { unifiedDiff } from '../../src/preview/diff.js';
import { ManifestError } from '../../src/preview/manifestError.js';
import { readManifests } from '../../src/preview/manifests.js';
import { NEWEST_MINOR, podSecurityVersion } from '../../src/podSecurity/version.js';
import { diffNotes } from '../../src/preview/notes.js';
import { previewFile, type FilePreview } from '../../src/preview/previewFile.js';
import type { PreviewResult } from '../../src/preview/result.js';
import { summary } from '../../src/preview/summary.js';

const SHARED = new URL('../../../shared/corpus/open/', import.meta.url).pathname;
/** The whole corpus where it stands beside the repository, else the part of it that is copied here. */
const CORPUS = existsSync(SHARED) ? SHARED : new URL('../fixtures/corpus/files/', import.meta.url).pathname;

const plans = new StandalonePlans({ policies: BUILTIN_POLICIES, clock: Date.now });

async function previewText(text: string, choices: PreviewChoices = {}): Promise<FilePreview> {
  return previewFile(readManifests(Buffer.from(text)), choices, plans);
}

async function resultOf(text: string, choices: PreviewChoices = {}): Promise<PreviewResult> {
  const [first] = (await previewText(text, choices)).previews;
  if (!first) throw new Error('no result');
  return first.result;
}

const CONTAINERS = '  containers:\n  - name: web\n    image: registry.example/web\n';
const POD = `apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n${CONTAINERS}`;
const DEPLOYMENT =
  'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: shop\nspec:\n  template:\n' +
  '    metadata:\n      labels: {app: web}\n    spec:\n      containers:\n      - name: web\n        image: registry.example/web\n';

describe('preview', () => {
  it('asks no namespaces file for the namespace of what has no pod', async () => {
    const facts = { name: 'shop', labels: { 'kube-harden.io/mode': 'enforce' } };
    const known = new StandalonePlans({
      policies: BUILTIN_POLICIES,
      namespaces: new Map([['shop', { ...emptyFacts('shop'), ...facts }]]),
      clock: Date.now,
    });
    const role = 'apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: reader}\n';
    const elsewhere = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: other}\n';
    const file = (pod: string): ReturnType<typeof readManifests> =>
      readManifests(Buffer.from([role, elsewhere, pod].join('---\n')));
    const { previews } = await previewFile(file(DEPLOYMENT), {}, known);
    expect(previews.map(({ result }) => [result.kind, result.outcome])).to.deep.equal([
      ['ClusterRole', 'ignored'],
      ['ConfigMap', 'ignored'],
      ['Deployment', 'reported'],
    ]);
    expect(previews[2]?.result.mode).to.equal('enforce');
    const unknown = await previewFile(file(POD), {}, known).catch((error: unknown) => error);
    expect((unknown as ManifestError).issues.map(({ message }) => message)).to.deep.equal([
      'namespace "default" is not in the namespaces file',
    ]);
  });

  it('asks twice at most for a namespace that does not exist, however many objects are in it', async () => {
    let asked = 0;
    const none = {
      planWith: () => {
        asked += 1;
        throw new PlanUnavailableError('no such namespace', { notFound: true });
      },
    };
    const one = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: other}\n';
    const file = readManifests(Buffer.from(Array(5).fill(one).join('---\n')));
    const error = await previewFile(file, {}, none).catch((reason: unknown) => reason);
    expect([(error as ManifestError).issues.length, asked]).to.deep.equal([5, 2]);
  });

  it('takes the deprecated serviceAccount for the name, as an API server copies it', async () => {
    const [policy] = loadPolicies(`apiVersion: kube-harden.io/v1alpha1
kind: HardeningPolicy
metadata: {name: default}
spec:
  exceptions:
  - {name: e, reason: r, match: {namespaces: [default], serviceAccounts: [invoice]}, rules: [readOnlyRootFilesystem]}
`);
    if (!policy) throw new Error('no policy');
    const own = new StandalonePlans({ policies: [policy], clock: Date.now });
    for (const field of ['serviceAccount', 'serviceAccountName']) {
      const text = `${POD}  ${field}: invoice\n`;
      const { previews } = await previewFile(readManifests(Buffer.from(text)), {}, own);
      expect(previews[0]?.result.skips.map(({ rule, code }) => `${rule} ${code}`)).to.include(
        'readOnlyRootFilesystem Excepted',
      );
    }
  });

  it('keeps the notes of an object in their lines, whatever its name', async () => {
    const text = `apiVersion: v1\nkind: Pod\nmetadata: {name: "a\\nkind: Evil\\u001b[31m"}\nspec: {hostNetwork: true, containers: []}\n`;
    const { previews } = await previewText(text, { policy: 'restricted' });
    for (const line of [
      ...diffNotes(previews),
      ...summary([...previews.map(({ result }) => result)], false).split('\n'),
    ])
      expect(line).to.not.match(/^kind|[\p{Cc}]/u);
    expect(diffNotes(previews)[0]).to.match(/Pod default\/a kind: Evil\?\[31m:$/);
  });

  it('of a Pod: the patch, and the pod that it makes', async () => {
    const result = await resultOf(POD);
    expect(result).to.have.all.keys(
      ...[
        'source',
        'apiVersion',
        'kind',
        'namespace',
        'name',
        'policy',
        'mode',
        'outcome',
        'because',
        'message',
      ],
      ...['patch', 'changes', 'containers', 'skips', 'violations', 'warnings', 'podSecurity', 'hardened'],
    );
    expect(result).to.deep.include({
      apiVersion: 'v1',
      kind: 'Pod',
      namespace: 'default',
      name: 'web',
      outcome: 'patched',
    });
    expect(result.patch).to.not.be.empty;
    expect(result.podSecurity).to.deep.equal({
      version: podSecurityVersion(NEWEST_MINOR),
      before: 'baseline',
      after: 'restricted',
      blockers: [],
    });
    expect(result.changes[0]).to.have.all.keys(
      'rule',
      'container',
      'field',
      'before',
      'after',
      'reason',
      'risk',
      'profile',
    );
    expect(JSON.stringify(result.hardened)).to.include('kube-harden.io/changed');
  });

  it('judges by the version of the Pod Security Standards that is asked for, before and after', async () => {
    const sysctls = 'securityContext: {sysctls: [{name: net.ipv4.tcp_notsent_lowat, value: "1"}]}';
    const pod = POD.replace('spec:\n', `spec:\n  ${sysctls}\n`);
    const old = await resultOf(pod, { podSecurityMinor: 36 });
    expect(old.podSecurity).to.deep.include({ version: 'v1.36', before: 'privileged', after: 'privileged' });
    expect(old.podSecurity?.blockers.map(({ message }) => message)).to.deep.equal([
      'forbidden sysctls (net.ipv4.tcp_notsent_lowat)',
    ]);
    const now = await resultOf(pod, { podSecurityMinor: 37 });
    expect(now.podSecurity).to.deep.include({ version: 'v1.37', before: 'baseline', after: 'restricted' });
    expect(now.patch).to.deep.equal(old.patch);
  });

  it('of a template under templates: Warn: no patch, but the pod that will run', async () => {
    const result = await resultOf(DEPLOYMENT);
    expect(result).to.deep.include({ namespace: 'shop', outcome: 'reported', patch: [] });
    expect(result.changes.map(({ field }) => field)).to.include('spec.securityContext.runAsNonRoot');
    expect(result.hardened).to.deep.include({ apiVersion: 'v1', kind: 'Pod' });
    expect(result.hardened).to.have.nested.property('metadata.labels.app', 'web');
    expect(result.podSecurity?.after).to.equal('restricted');
  });

  it('of a template under templates: Ignore: ignored, but its pods are not', async () => {
    const policies = BUILTIN_POLICIES.map((policy) => ({ ...policy, templates: 'Ignore' as const }));
    const ignoring = new StandalonePlans({ policies, clock: Date.now });
    const file = await previewFile(readManifests(Buffer.from(DEPLOYMENT)), {}, ignoring);
    expect(file.previews[0]?.result).to.deep.include({
      outcome: 'ignored',
      because: 'templates: Ignore',
      patch: [],
    });
    expect(file.previews[0]?.result.podSecurity?.after).to.equal('restricted');
  });

  for (const templates of ['Mutate', 'Ignore', 'Warn'] as const)
    it(`of a Job under templates: ${templates}: what its pods get, which is more than its template may`, async () => {
      const policies = BUILTIN_POLICIES.map((policy) => ({ ...policy, templates }));
      const job =
        'apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\nspec:\n  template:\n    spec:\n' +
        CONTAINERS.replaceAll(/^/gm, '    ').trimEnd() +
        '\n        securityContext: {runAsUser: 1000, capabilities: {drop: [NET_RAW]}}\n';
      const given = new StandalonePlans({ policies, clock: Date.now });
      const file = await previewFile(readManifests(Buffer.from(job)), {}, given);
      const { podSecurity, patch, changes } = file.previews[0]?.result ?? {};
      expect(podSecurity?.after).to.equal('restricted');
      expect(changes?.map(({ field }) => field)).to.include(
        'spec.containers[0].securityContext.capabilities.drop',
      );
      expect(file.edited().text).to.include('drop: [ALL]');
      expect(JSON.stringify(patch)).to.not.include('capabilities');
    });

  it('names the place of what the webhook would refuse whole', async () => {
    const text = `apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  containers: [${'{}, '.repeat(10_001)}]\n`;
    const error: unknown = await previewText(text).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(ManifestError);
    const [issue, ...others] = (error as ManifestError).issues;
    expect(others).to.deep.equal([]);
    expect(issue).to.include({ line: 5, field: 'spec.containers' });
  });

  it('in audit mode: no patch, and what enforce would do', async () => {
    const result = await resultOf(POD, { mode: 'audit' });
    expect(result).to.deep.include({ mode: 'audit', outcome: 'reported', patch: [] });
    expect(result.podSecurity?.after).to.equal('restricted');
    expect((await previewText(POD, { mode: 'audit' })).edited().text).to.include('runAsNonRoot: true');
  });

  it('of a protected namespace and of other kinds: ignored, and why', async () => {
    const protectedPod = await resultOf(POD, { namespace: 'kube-system' });
    expect(protectedPod).to.deep.include({
      outcome: 'ignored',
      because: 'namespace kube-system is never touched',
      changes: [],
    });
    const service = await resultOf('apiVersion: v1\nkind: Service\nmetadata: {name: a}\n');
    expect(service).to.deep.include({
      outcome: 'ignored',
      because: 'kind Service is no workload',
      hardened: null,
      podSecurity: null,
    });
  });

  it('says how to lift a violation and why a rule left something alone', async () => {
    const privileged = `${POD}    securityContext:\n      privileged: true\n`;
    const result = await resultOf(privileged);
    expect(result.violations[0]).to.deep.equal({
      rule: 'privileged',
      container: 'web',
      field: 'spec.containers[0].securityContext.privileged',
      value: true,
      denied: false,
      fix:
        'change spec.containers[0].securityContext.privileged, or opt out: ' +
        'kubectl label ns default kube-harden.io/privileged=disabled',
    });
    const skip = result.skips.find(({ code }) => code === 'PrivilegedContainer');
    expect(skip?.reason).to.match(/^the container is privileged/);
    expect(skip?.optOut).to.match(/^kubectl label ns default kube-harden\.io\/\w+=disabled$/);
    const optedOut = await resultOf(POD, { labels: { 'kube-harden.io/capabilities': 'disabled' } });
    const lifted = optedOut.skips.find(({ code }) => code === 'OptedOut');
    expect(lifted).to.deep.include({ rule: 'capabilities', optOut: null });
    // kubectl refuses to change a label that is there.
    const warned = await resultOf(privileged, { labels: { 'kube-harden.io/privileged': 'warn' } });
    expect(warned.violations.find(({ rule }) => rule === 'privileged')?.fix).to.match(
      / kube-harden\.io\/privileged=disabled --overwrite$/,
    );
  });

  it('reports every wrong field of every document, placed', async () => {
    const bad = `${POD}    resources:\n      limits: {memory: 12Q}\n  hostPID: maybe\n---\nkind: x\n`;
    const error: unknown = await previewText(bad).catch((reason: unknown) => reason);
    if (!(error instanceof ManifestError)) throw error;
    expect(error.issues).to.deep.equal([
      {
        source: 'document 0',
        document: 0,
        line: 10,
        column: 16,
        field: 'spec.containers[0].resources.limits.memory',
        message: '"12Q" is not a quantity',
      },
      {
        source: 'document 0',
        document: 0,
        line: 11,
        column: 3,
        field: 'spec.hostPID',
        message: '"maybe" is not true or false',
      },
      { source: 'document 1', document: 1, line: 13, column: 1, field: 'apiVersion', message: 'is required' },
    ]);
  });

  it('keeps keys that are special in JavaScript', async () => {
    const text = POD.replace('  name: web\n', '  name: web\n  labels: {__proto__: a, constructor: b}\n');
    const { text: edited } = (await previewText(text)).edited();
    expect(edited).to.include('{__proto__: a, constructor: b}');
  });

  it('hardens a file whose result needs nothing more, by diff as by text', async () => {
    const first = await previewText(`# head\n${DEPLOYMENT}---\n${POD}`);
    const { text, splices } = first.edited();
    const diff = unifiedDiff('manifest.yaml', first.file.text, splices);
    expect(applyDiff(first.file.text, diff)).to.equal(text);
    const again = await previewText(text);
    expect(again.edited().text).to.equal(text);
    expect(again.previews.flatMap(({ result }) => result.changes)).to.deep.equal([]);
  });
});

describe('preview over real files', () => {
  it('answers the patch of /mutate, and only adds lines unless a value is replaced', async () => {
    const files = readdirSync(CORPUS, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.ya?ml$/.test(name),
    );
    expect(files.length).to.be.above(10);
    const seen = { files: 0, objects: 0, rewritten: 0, refused: 0, levels: new Map<string, number>() };
    for (const name of files) {
      const bytes = readFileSync(join(CORPUS, name));
      const file = await Promise.resolve()
        .then(() => previewFile(readManifests(bytes), {}, plans))
        .catch((error: unknown) => {
          if (error instanceof ManifestError) return undefined;
          throw error;
        });
      seen.files++;
      if (!file) {
        seen.refused++;
        continue;
      }
      for (const [index, { result }] of file.previews.entries()) {
        const manifest = file.file.manifests[index];
        const { name: object = '', namespace } = manifest?.object.metadata ?? {};
        const [version = '', group = ''] = result.apiVersion.split('/').reverse();
        const request = { uid: 'u', kind: { group, version, kind: result.kind }, operation: 'CREATE' };
        const direct = decide(
          { ...request, namespace: namespace ?? 'default', name: object ?? '', object: manifest?.object },
          plans.planFor(namespace ?? 'default'),
        );
        expect(result.patch, name).to.deep.equal(direct.patch);
        if (!result.podSecurity) continue;
        seen.objects++;
        seen.levels.set(result.podSecurity.after, (seen.levels.get(result.podSecurity.after) ?? 0) + 1);
      }
      const edited = file.edited();
      seen.rewritten += edited.rewritten.length;
      const replaces = file.previews.some(({ edit }) => edit.some(({ op }) => op !== 'add'));
      const lost = diffLines(file.file.text, edited.text).flatMap((part) =>
        part.removed ? part.value.split('\n') : [],
      );
      const values = lost.filter((line) => line !== '' && !/[[{]/.test(line));
      if (!replaces) expect(values, name).to.deep.equal([]);
      expect(parseKubernetesYaml(edited.text).length).to.equal(file.file.documents.length);
      expect(
        (await previewFile(readManifests(Buffer.from(edited.text)), {}, plans)).edited().text,
        name,
      ).to.equal(edited.text);
    }
    process.stdout.write(
      `      ${seen.files} files (${seen.refused} refused: a key twice), ${seen.objects} workloads, ` +
        `${seen.rewritten} documents rewritten, after hardening ${JSON.stringify([...seen.levels])}\n`,
    );
    expect(seen.rewritten).to.equal(0);
  });
});
