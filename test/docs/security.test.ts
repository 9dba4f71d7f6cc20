import { expect } from 'chai';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(`${ROOT}${path}`, 'utf8');

/** One entry of the threat model: its list item, on one line. */
const THREATS = read('docs/security.md')
  .split(/\n(?=- \*\*|#)/)
  .filter((part) => part.startsWith('- **'))
  .map((part) => part.split('\n\n')[0]?.replaceAll(/\s+/g, ' ').trim() ?? '');

const nameOf = (threat: string): string => /^- \*\*(.+?)\*\*/.exec(threat)?.[1] ?? threat;

/** A file of tests, and the titles that are named after it. */
const CITED = /`(test\/[\w./-]+\.test\.ts)`((?:,? "(?:[^"\\]|\\")+")+)/g;
const citedBy = (threat: string): { file: string; titles: string[] }[] =>
  [...threat.matchAll(CITED)].map(([, file = '', titles = '']) => ({
    file,
    titles: [...titles.matchAll(/"((?:[^"\\]|\\")+)"/g)].map(([, title = '']) => title.replaceAll('\\"', '"')),
  }));

describe('docs/security.md', () => {
  it('has threats, each told once', () => {
    expect(THREATS).to.have.lengthOf.at.least(40);
    const names = THREATS.map(nameOf);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).to.deep.equal([]);
  });

  for (const threat of THREATS) {
    describe(nameOf(threat), () => {
      it('says what is left, and which test shows it or that none does', () => {
        expect(threat).to.match(/ \*Left:\* \S/);
        expect(threat).to.match(/ (Shown by `test\/|No test\b)/);
      });
      it('names files of tests with the titles that they hold', () => {
        const cited = citedBy(threat);
        // Whatever is named as a test is named so that it can be looked up.
        expect(cited.map(({ file }) => file)).to.have.members(
          [...threat.matchAll(/test\/[\w./-]+/g)].map(([file]) => file),
        );
        for (const { file, titles } of cited) {
          expect(existsSync(`${ROOT}${file}`), file).to.equal(true);
          expect(titlesIn(file), file).to.include.members(titles);
        }
      });
    });
  }
});

const known = new Map<string, readonly string[]>();

/**
 * Titles of a file of tests: those of `describe` and `it`, and of the `title` of an entry in a table of cases. What a
 * template fills in is `...`.
 */
function titlesIn(file: string): readonly string[] {
  const seen = known.get(file);
  if (seen !== undefined) return seen;
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) {
      const [title] = node.arguments;
      if (['describe', 'it'].includes(node.expression.text) && title !== undefined) found.push(...textOf(title));
    }
    if (ts.isPropertyAssignment(node) && node.name.getText() === 'title') found.push(...textOf(node.initializer));
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true));
  known.set(file, found);
  return found;
}

function textOf(node: ts.Expression): string[] {
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (!ts.isTemplateExpression(node)) return [];
  return [node.head.text + node.templateSpans.map(({ literal }) => `...${literal.text}`).join('')];
}
