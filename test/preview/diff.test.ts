import { expect } from 'chai';
import { applyPatch } from 'diff';
import fc from 'fast-check';
import { textDiff } from '../../src/cli/textDiff.js';
import { colouredDiff, unifiedDiff } from '../../src/preview/diff.js';
import type { Splice } from '../../src/preview/splice.js';
import { applySplices, sortSplices } from '../../src/preview/splice.js';

describe('unifiedDiff', () => {
  it('shows three lines around each change, and joins hunks that would meet', () => {
    const before = Array.from({ length: 20 }, (_, i) => `line ${i}\n`).join('');
    const at = (line: number): number => before.indexOf(`line ${line}\n`);
    const diff = unifiedDiff('dir/x.yaml', before, [
      { start: at(4), end: at(4), text: 'new\n' },
      { start: at(10), end: at(11), text: '' },
      { start: at(19) + 5, end: at(19) + 7, text: 'last' },
    ]);
    expect(diff).to.equal(
      '--- a/dir/x.yaml\n+++ b/dir/x.yaml\n' +
        '@@ -2,13 +2,13 @@\n line 1\n line 2\n line 3\n+new\n line 4\n line 5\n line 6\n line 7\n line 8\n line 9\n' +
        '-line 10\n line 11\n line 12\n line 13\n@@ -17,4 +17,4 @@\n line 16\n line 17\n line 18\n-line 19\n+line last\n',
    );
  });

  it('keeps carriage returns, and says where a last line break is missing', () => {
    expect(unifiedDiff('x', 'a\r\nb', [{ start: 4, end: 4, text: '\r\nc' }])).to.equal(
      '--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n a\r\n-b\n\\ No newline at end of file\n+b\r\n+c\n\\ No newline at end of file\n',
    );
  });

  it('ends a name that holds a space with a tab, as git does: `patch` would end it at the space', () => {
    const edit = [{ start: 0, end: 1, text: 'b' }];
    expect(unifiedDiff('my app/web.yaml', 'a\n', edit)).to.equal(
      '--- a/my app/web.yaml\t\n+++ b/my app/web.yaml\t\n@@ -1,1 +1,1 @@\n-a\n+b\n',
    );
    expect(unifiedDiff('my \u00e4.yaml', 'a\n', edit)).to.match(/^--- "a\/my .*"\n\+\+\+ "b\/my .*"\n/);
    expect(textDiff('my app.yaml', 'a\n', 'b\n')).to.match(
      /^--- a\/my app\.yaml\t\n\+\+\+ b\/my app\.yaml\t\n@@/,
    );
    const removed = unifiedDiff('x', '-- a b\n', [{ start: 0, end: 7, text: '' }]);
    expect(removed).to.match(/\n--- a b\n$/);
  });

  it('is empty where nothing differs', () => {
    expect(unifiedDiff('x', 'a\nb\n', [{ start: 0, end: 2, text: 'a\n' }])).to.equal('');
    expect(unifiedDiff('x', 'a\nb\n', [])).to.equal('');
  });

  it('applied to the old text gives the new one, whatever was edited', () => {
    const text = fc.array(fc.constantFrom('a', 'b', '\n', '\n')).map((parts) => parts.join(''));
    const piece = fc.constantFrom('', 'x', 'x\n', '\nx', 'a\nb\n');
    const edits = fc.array(fc.tuple(fc.nat(40), fc.nat(6), piece), { maxLength: 5 });
    fc.assert(
      fc.property(text, edits, (before, pieces) => {
        const splices: Splice[] = pieces.map(([start, length, added]) => ({
          start: Math.min(start, before.length),
          end: Math.min(start + length, before.length),
          text: added,
        }));
        const sorted = sortSplices(splices);
        if (!sorted) return;
        const after = applySplices(before, sorted);
        const diff = unifiedDiff('x', before, sorted);
        expect(diff === '').to.equal(before === after);
        if (diff !== '') expect(applyPatch(before, diff, { autoConvertLineEndings: false })).to.equal(after);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('colouredDiff', () => {
  it('colours heads, hunks, added and removed lines', () => {
    expect(colouredDiff('--- a/x\n@@ -1 +1 @@\n a\n-b\r\n+c\n')).to.equal(
      '\u001b[1m--- a/x\u001b[0m\n\u001b[36m@@ -1 +1 @@\u001b[0m\n a\n\u001b[31m-b\u001b[0m\r\n\u001b[32m+c\u001b[0m\n',
    );
  });
});
