import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { BUILTIN_POLICIES } from '../../src/policy/builtin.generated.js';
import { StandalonePlans } from '../../src/policy/standalonePlans.js';
import { annotate, type AnnotatedPreview } from '../../src/preview/annotated.js';
import { ManifestError } from '../../src/preview/manifestError.js';
import { readManifests } from '../../src/preview/manifests.js';
import { previewFile } from '../../src/preview/previewFile.js';
import { corpusSource } from '../support/corpus.js';

const plans = new StandalonePlans({ policies: BUILTIN_POLICIES, clock: Date.now });

async function annotated(text: string, policy = 'default'): Promise<AnnotatedPreview> {
  return annotate(await previewFile(readManifests(Buffer.from(text)), { policy }, plans));
}

/** Each line that differs: `line<original text  {field, field}`, the fields with their container. */
function shown({ text, lines, changes: table, results }: AnnotatedPreview): string[] {
  const all = text.split('\n');
  return lines.map(({ line, original, result, changes }) => {
    const fields = changes.map((index) =>
      table[results[result]?.changes[index] ?? -1]?.field.replace(/^spec\./, ''),
    );
    const of = results.length > 1 ? `${result}: ` : '';
    return `${line}<${original} ${(all[line - 1] ?? '').trim()}  {${of}${fields.join(', ')}}`;
  });
}

const HEAD = 'apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n';
const container = (name: string, more = ''): string =>
  `  - name: ${name}\n    image: r.example/${name}\n${more}`;
const json = (name: string): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'r.example/c' }] },
});

/** Under baseline, two fields are set: seccompProfile of the pod, allowPrivilegeEscalation of each container. */
const CASES: readonly { it: string; text: string; policy?: string; lines: readonly string[] }[] = [
  {
    it: 'new lines after the one they follow, each with its change; comments stay where they are',
    text: `${HEAD}spec:\n  containers:\n${container('a', '    # note\n')}${container('b')}  # end\n`,
    lines: [
      '8<7 securityContext:  {containers[0].securityContext.allowPrivilegeEscalation}',
      '9<7 allowPrivilegeEscalation: false  {containers[0].securityContext.allowPrivilegeEscalation}',
      '13<10 securityContext:  {containers[1].securityContext.allowPrivilegeEscalation}',
      '14<10 allowPrivilegeEscalation: false  {containers[1].securityContext.allowPrivilegeEscalation}',
      '15<10 securityContext:  {securityContext.seccompProfile}',
      '16<10 seccompProfile:  {securityContext.seccompProfile}',
      '17<10 type: RuntimeDefault  {securityContext.seccompProfile}',
    ],
  },
  {
    it: 'a last line that gains its line break is no changed line',
    text: `${HEAD}spec:\n  containers:\n${container('a')}`.trimEnd(),
    lines: [
      '8<7 securityContext:  {containers[0].securityContext.allowPrivilegeEscalation}',
      '9<7 allowPrivilegeEscalation: false  {containers[0].securityContext.allowPrivilegeEscalation}',
      '10<7 securityContext:  {securityContext.seccompProfile}',
      '11<7 seccompProfile:  {securityContext.seccompProfile}',
      '12<7 type: RuntimeDefault  {securityContext.seccompProfile}',
    ],
  },
  {
    it: 'a flow collection on one line has all changes within it',
    text: `${HEAD}spec: {containers: [{name: a, image: r.example/a}, {name: b, image: r.example/b}]}\n`,
    lines: [
      '4<4 spec: {containers: [{name: a, image: r.example/a, securityContext: {allowPrivilegeEscalation: false}}, {name: b, image: r.example/b, securityContext: {allowPrivilegeEscalation: false}}], securityContext: {seccompProfile: {type: RuntimeDefault}}}  {containers[0].securityContext.allowPrivilegeEscalation, containers[1].securityContext.allowPrivilegeEscalation, securityContext.seccompProfile}',
    ],
  },
  {
    it: 'a line that an empty value leaves, and one to which a value is added',
    text: `${HEAD}spec:\n  securityContext: {} # none\n  containers:\n${container('a', '    securityContext: {privileged: false}\n')}`,
    lines: [
      '5<5 securityContext: # none  {securityContext.seccompProfile}',
      '6<5 seccompProfile:  {securityContext.seccompProfile}',
      '7<5 type: RuntimeDefault  {securityContext.seccompProfile}',
      '11<9 securityContext: {privileged: false, allowPrivilegeEscalation: false}  {containers[0].securityContext.allowPrivilegeEscalation}',
    ],
  },
  {
    it: 'JSON: a line that only gains a comma belongs to what comes after it',
    text: `${JSON.stringify(json('web'), null, 2)}\n`,
    lines: [
      '11<11 "image": "r.example/c",  {containers[0].securityContext.allowPrivilegeEscalation}',
      '12<11 "securityContext": {  {containers[0].securityContext.allowPrivilegeEscalation}',
      '13<11 "allowPrivilegeEscalation": false  {containers[0].securityContext.allowPrivilegeEscalation}',
      '14<11 }  {containers[0].securityContext.allowPrivilegeEscalation}',
      '16<13 ],  {securityContext.seccompProfile}',
      '17<13 "securityContext": {  {securityContext.seccompProfile}',
      '18<13 "seccompProfile": {  {securityContext.seccompProfile}',
      '19<13 "type": "RuntimeDefault"  {securityContext.seccompProfile}',
      '20<13 }  {securityContext.seccompProfile}',
      '21<13 }  {securityContext.seccompProfile}',
    ],
  },
  {
    it: 'a List of JSON on one line is there for each of its objects',
    text: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [json('a'), json('b')] }),
    lines: [
      '1<1 {"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"r.example/c","securityContext":{"allowPrivilegeEscalation":false}}],"securityContext":{"seccompProfile":{"type":"RuntimeDefault"}}}},{"apiVersion":"v1","kind":"Pod","metadata":{"name":"b"},"spec":{"containers":[{"name":"c","image":"r.example/c","securityContext":{"allowPrivilegeEscalation":false}}],"securityContext":{"seccompProfile":{"type":"RuntimeDefault"}}}}]}  {0: containers[0].securityContext.allowPrivilegeEscalation, securityContext.seccompProfile}',
      '1<1 {"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"r.example/c","securityContext":{"allowPrivilegeEscalation":false}}],"securityContext":{"seccompProfile":{"type":"RuntimeDefault"}}}},{"apiVersion":"v1","kind":"Pod","metadata":{"name":"b"},"spec":{"containers":[{"name":"c","image":"r.example/c","securityContext":{"allowPrivilegeEscalation":false}}],"securityContext":{"seccompProfile":{"type":"RuntimeDefault"}}}}]}  {1: containers[0].securityContext.allowPrivilegeEscalation, securityContext.seccompProfile}',
    ],
  },
  {
    it: 'an item of a List, its neighbours counted as results',
    text:
      'apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: c}\n' +
      `- ${`${HEAD}spec:\n  containers:\n${container('a')}`.trimEnd().replaceAll('\n', '\n  ')}\n`,
    lines: [
      '14<13 securityContext:  {1: containers[0].securityContext.allowPrivilegeEscalation}',
      '15<13 allowPrivilegeEscalation: false  {1: containers[0].securityContext.allowPrivilegeEscalation}',
      '16<13 securityContext:  {1: securityContext.seccompProfile}',
      '17<13 seccompProfile:  {1: securityContext.seccompProfile}',
      '18<13 type: RuntimeDefault  {1: securityContext.seccompProfile}',
    ],
  },
  {
    it: 'several documents, empty ones between',
    text: `${HEAD}spec:\n  containers:\n${container('a')}---\n# between\n---\n${HEAD}spec:\n  containers:\n${container('b')}`,
    lines: [
      '8<7 securityContext:  {0: containers[0].securityContext.allowPrivilegeEscalation}',
      '9<7 allowPrivilegeEscalation: false  {0: containers[0].securityContext.allowPrivilegeEscalation}',
      '10<7 securityContext:  {0: securityContext.seccompProfile}',
      '11<7 seccompProfile:  {0: securityContext.seccompProfile}',
      '12<7 type: RuntimeDefault  {0: securityContext.seccompProfile}',
      '23<17 securityContext:  {1: containers[0].securityContext.allowPrivilegeEscalation}',
      '24<17 allowPrivilegeEscalation: false  {1: containers[0].securityContext.allowPrivilegeEscalation}',
      '25<17 securityContext:  {1: securityContext.seccompProfile}',
      '26<17 seccompProfile:  {1: securityContext.seccompProfile}',
      '27<17 type: RuntimeDefault  {1: securityContext.seccompProfile}',
    ],
  },
  {
    it: 'line ends of Windows and a byte order mark',
    text: `\uFEFF${HEAD}spec:\n  containers:\n${container('a')}`.replaceAll('\n', '\r\n'),
    lines: [
      '8<7 securityContext:  {containers[0].securityContext.allowPrivilegeEscalation}',
      '9<7 allowPrivilegeEscalation: false  {containers[0].securityContext.allowPrivilegeEscalation}',
      '10<7 securityContext:  {securityContext.seccompProfile}',
      '11<7 seccompProfile:  {securityContext.seccompProfile}',
      '12<7 type: RuntimeDefault  {securityContext.seccompProfile}',
    ],
  },
  {
    it: "an anchor's line belongs to the changes of its aliases too",
    text: `${HEAD}spec:\n  containers:\n${container('a', '    securityContext: &sc\n      privileged: false\n')}${container('b', '    securityContext: *sc\n')}`,
    lines: [
      '10<9 allowPrivilegeEscalation: false  {containers[0].securityContext.allowPrivilegeEscalation, containers[1].securityContext.allowPrivilegeEscalation}',
      '14<12 securityContext:  {securityContext.seccompProfile}',
      '15<12 seccompProfile:  {securityContext.seccompProfile}',
      '16<12 type: RuntimeDefault  {securityContext.seccompProfile}',
    ],
  },
  {
    it: "a merged map's line belongs to the changes of those who merge it",
    text: `${HEAD}spec:\n  containers:\n  - &base\n    name: a\n    image: r.example/a\n    securityContext:\n      privileged: false\n  - <<: *base\n    name: b\n`,
    lines: [
      '11<10 allowPrivilegeEscalation: false  {containers[0].securityContext.allowPrivilegeEscalation, containers[1].securityContext.allowPrivilegeEscalation}',
      '14<12 securityContext:  {securityContext.seccompProfile}',
      '15<12 seccompProfile:  {securityContext.seccompProfile}',
      '16<12 type: RuntimeDefault  {securityContext.seccompProfile}',
    ],
  },
];

describe('annotate', () => {
  for (const { it: what, text, policy = 'baseline', lines } of CASES) {
    it(what, async () => {
      expect(shown(await annotated(text, policy))).to.deep.equal(lines);
    });
  }

  it('ties the values that a rule replaced to the lines that held them', async () => {
    const weak =
      '    securityContext:\n      privileged: true\n      allowPrivilegeEscalation: true # why\n' +
      '      capabilities:\n        add: [SYS_ADMIN, NET_BIND_SERVICE]\n        drop: [all]\n';
    const lines = shown(
      await annotated(`${HEAD}spec:\n  containers:\n${container('a', weak)}`, 'restricted'),
    );
    expect(lines.slice(0, 4)).to.deep.equal([
      '9<9 privileged: false  {containers[0].securityContext.privileged}',
      '10<10 allowPrivilegeEscalation: false # why  {containers[0].securityContext.allowPrivilegeEscalation}',
      '12<12 add: [NET_BIND_SERVICE]  {containers[0].securityContext.capabilities.add}',
      '13<13 drop: [ALL]  {containers[0].securityContext.capabilities.drop}',
    ]);
  });

  it('ties the lines of a document that is written anew to their changes', async () => {
    const hidden =
      '    securityContext:\n      allowPrivilegeEscalation: true\n      <<: {allowPrivilegeEscalation: true}\n';
    const text = `x: &x {allowPrivilegeEscalation: true}\n${HEAD}spec:\n  containers:\n${container('a', hidden.replace('{allowPrivilegeEscalation: true}', '*x'))}`;
    const lines = shown(await annotated(text, 'restricted'));
    expect(lines).to.include(
      '10<10 allowPrivilegeEscalation: false  {containers[0].securityContext.allowPrivilegeEscalation}',
    );
  });
});

describe('annotate over the corpus', function () {
  this.timeout(120_000);
  const source = corpusSource();
  const names = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.(?:ya?ml)$/.test(name),
  );
  for (const policy of ['default', 'restricted']) {
    for (const [what, rewrite] of [
      ['as they are', (text: string) => text],
      ['with the line ends of Windows', (text: string) => text.replaceAll(/\r?\n/g, '\r\n')],
    ] as const) {
      it(`under ${policy}, ${what}: other lines are the input's in order, and each change is somewhere`, async () => {
        let [files, changed] = [0, 0];
        for (const name of names) {
          const before = rewrite(readFileSync(join(source, name), 'utf8')).replace(
            'namespace: namespaceValue',
            'namespace: shop',
          );
          const after = await annotatedOrNothing(before, policy);
          if (after === undefined) continue;
          files++;
          changed += after.lines.length;
          checkWhole(name, before, after);
        }
        expect(files).to.be.above(20);
        expect(changed).to.be.above(500);
      });
    }
  }
});

/** Undefined for a file that is refused: one has a key twice. */
async function annotatedOrNothing(text: string, policy: string): Promise<AnnotatedPreview | undefined> {
  try {
    return await annotated(text, policy);
  } catch (error) {
    if (error instanceof ManifestError) return undefined;
    throw error;
  }
}

function checkWhole(name: string, before: string, answer: AnnotatedPreview): void {
  const { text, lines, results } = answer;
  const [old, now] = [before, text].map((part) => part.split('\n').map((line) => line.replace(/\r$/, '')));
  const marked = new Set(lines.map(({ line }) => line));
  let at = 0;
  now?.forEach((line, index) => {
    if (marked.has(index + 1)) return;
    const found = old?.indexOf(line, at) ?? -1;
    expect(found, `${name}:${index + 1}: ${line}`).to.be.at.least(at);
    at = found + 1;
  });
  let last = { line: 0, original: 0, result: 0 };
  for (const one of lines) {
    expect(one.line >= last.line && one.original >= last.original, `${name}:${one.line}: order`).to.equal(
      true,
    );
    expect(one.changes, `${name}:${one.line}`).to.not.be.empty;
    last = one;
  }
  results.forEach(({ changes }, result) =>
    changes.forEach((index, change) => {
      const made = answer.changes[index];
      if (onlyDeletes(made?.before, made?.after)) return;
      const has = lines.some((line) => line.result === result && line.changes.includes(change));
      expect(has, `${name}: ${made?.field} of ${result}`).to.equal(true);
    }),
  );
}

function onlyDeletes(before: unknown, after: unknown): boolean {
  const left = Array.isArray(before) && Array.isArray(after) && after.every((item) => before.includes(item));
  return after === null || left;
}
