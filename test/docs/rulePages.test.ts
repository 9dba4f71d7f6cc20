import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { printedBy } from '../../scripts/generated/examples.js';
import { RULES } from '../../src/hardening/rules/index.js';
import { loadPolicies } from '../../src/policy/load.js';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** What whoever was surprised by a rule looks for, in this order. */
const QUESTIONS = [
  'What the field does',
  'What breaks, and how one notices',
  'How to opt out',
  'How to fix the program instead',
];

describe('docs/rules: what a page answers', () => {
  for (const { id, actions } of RULES) {
    const page = read(`docs/rules/${id}.md`);
    const sections = sectionsOf(page);
    const section = (heading: string): string => sections.get(heading) ?? '';

    describe(id, () => {
      it('answers the four questions, in order', () => {
        const headings = [...sections.keys()].filter((heading) => QUESTIONS.includes(heading));
        expect(headings).to.deep.equal(QUESTIONS);
        for (const heading of QUESTIONS) expect(section(heading).split(/\s+/), heading).to.have.lengthOf.at.least(15);
      });
      it('shows a message that one meets, or says that nothing breaks', () => {
        expect(section('What breaks, and how one notices')).to.match(/`[^`]+ [^`]+`|Nothing that r/);
      });
      it('opts out by a label of this rule', () => {
        expect(section('How to opt out')).to.include(`kubectl label ns NAMESPACE kube-harden.io/${id}=disabled`);
      });
      it('opts out by an exception that loads, and lifts this rule', () => {
        const [, block = ''] = /```yaml\n([\s\S]*?)```/.exec(section('How to opt out')) ?? [];
        const [policy] = loadPolicies(
          `apiVersion: kube-harden.io/v1alpha1\nkind: HardeningPolicy\nmetadata: {name: docs}\n${block}`,
        );
        expect(policy?.exceptions.map(({ rules }) => rules)).to.deep.equal([[id]]);
      });
      it('opts out by actions that the rule can do', () => {
        const [, named = ''] = /give the rule the action ([^.]*?) in the/.exec(section('How to opt out')) ?? [];
        const words = [...named.matchAll(/`(\w+)`/g)].map(([, word]) => word);
        expect(words).to.have.lengthOf.at.least(1);
        expect(actions).to.include.members(words);
      });
      it('opts out by image profiles that load', () => {
        const inline = [...section('How to opt out').matchAll(/`((?:runAsUser|startsAsRoot|needs|writablePaths): [^`]+)`/g)];
        for (const [, profile = ''] of inline) {
          const text = `spec: {imageProfiles: [{images: [docker.io/library/web], ${profile}}]}`;
          const [policy] = loadPolicies(
            `apiVersion: kube-harden.io/v1alpha1\nkind: HardeningPolicy\nmetadata: {name: docs}\n${text}\n`,
          );
          expect(policy?.imageProfiles, profile).to.have.lengthOf(1);
        }
      });
    });
  }
});

describe('docs/rules/runtimeSocket.md', () => {
  it('shows the refusal as it is', async () => {
    const command = 'node dist/main.js preview -f docs/rules/examples/runtimeSocket.yaml --policy restricted -o json';
    const { results } = JSON.parse(await printedBy(command)) as { results: { message: string }[] };
    const page = read('docs/rules/runtimeSocket.md').replaceAll(/\s+/g, ' ');
    const [, shown = ''] = /denied the request: (kube-harden refuses [^`]*?): \.\.\.`/.exec(page) ?? [];
    expect(results[0]?.message).to.match(/^kube-harden refuses /);
    expect(results[0]?.message.startsWith(shown), shown).to.equal(true);
    expect(shown).to.include('runtimeSocket on container');
  });
});

function sectionsOf(markdown: string): Map<string, string> {
  const parts = markdown.split(/^## (.+)$/m).slice(1);
  const found = new Map<string, string>();
  for (let index = 0; index + 1 < parts.length; index += 2) {
    const text = (parts[index + 1] ?? '').replaceAll(/<!--.*?-->/g, '').trim();
    found.set(parts[index] ?? '', text);
  }
  return found;
}
