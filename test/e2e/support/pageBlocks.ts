/**
 * The commands of a page, in its order. What is to be done with each `sh` block stands in an HTML comment before it:
 * `run`, `run: refused` (it shows a refusal, so it has to fail) or `not run: REASON`; and `output` before the `text`
 * block that shows what the command before it prints.
 */
export interface PageCommand {
  readonly script: string;
  readonly expected: 'success' | 'failure';
  /** What the page shows of its output, if anything. */
  readonly output: string | undefined;
  /** The heading that it stands under. */
  readonly section: string;
}

/** A block or a directive of the page is not as this file's head says. */
export class PageError extends Error {
  readonly code = 'E2E_PAGE';
  override readonly name = 'PageError';
}

const PART = /^(#+) (.+)$|^ *<!-- (.+?) -->$|^( *)```(\w*)\n([^]*?)^ *```$/gm;

/** @throws PageError where a `sh` block says nothing of itself, or a comment stands before nothing */
export function pageCommands(page: string): PageCommand[] {
  const commands: PageCommand[] = [];
  let section = '';
  let directive = '';
  for (const [, , heading, comment, indent = '', language, body = ''] of page.matchAll(PART)) {
    if (heading !== undefined) section = heading;
    if (comment !== undefined) directive = comment;
    if (language === undefined) continue;
    const text = body.replaceAll(new RegExp(`^${indent}`, 'gm'), '').trimEnd();
    if (language === 'sh') {
      const how = /^(?:run(: refused)?|not run: \S.*)$/.exec(directive);
      if (how === null) throw new PageError(`a sh block under "${section}" is not marked:\n${text}`);
      const expected = how[1] === undefined ? 'success' : 'failure';
      if (directive.startsWith('run')) commands.push({ script: text, expected, output: undefined, section });
    } else if (directive === 'output') {
      const before = commands.pop();
      if (before === undefined) throw new PageError(`output of no command under "${section}"`);
      commands.push({ ...before, output: text });
    }
    directive = '';
  }
  return commands;
}

/** The text block after `<!-- DIRECTIVE -->`. */
export function pageText(page: string, directive: string): string {
  const text = page.split(`<!-- ${directive} -->\n\`\`\`text\n`)[1]?.split('```')[0];
  if (text === undefined) throw new PageError(`no text block after <!-- ${directive} -->`);
  return text.trimEnd();
}

/** The first cells, without their backquotes, of the table after `<!-- DIRECTIVE -->`. */
export function pageRows(page: string, directive: string): string[] {
  const [, rest = ''] = page.split(`<!-- ${directive} -->\n`);
  const [table = ''] = rest.trimStart().split('\n\n');
  return [...table.matchAll(/^\| `(.+?)` \|/gm)].map(([, cell = '']) => cell);
}

/**
 * Whether what a page shows is what came: `...` stands for anything, `XXXXX` for as many characters made up by the API
 * server; ages, spaces between columns and the order of the errors of one object may differ.
 */
export function looksLike(shown: string, actual: string): boolean {
  const parts = masked(shown).split(/(\n?\.\.\.(?=\n|$)|\.\.\.|X{5,})/);
  const pattern = parts.map((part, index) => {
    if (index % 2 === 0) return part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
    return part.startsWith('X') ? `[a-z0-9]{3,${part.length}}` : '[^]*?';
  });
  return new RegExp(`^${pattern.join('')}$`).test(masked(actual));
}

function masked(text: string): string {
  const lines = text
    .trim()
    .split('\n')
    .map((line) =>
      line
        .trimEnd()
        .replaceAll(/ {2,}/g, '  ')
        .replaceAll(/(?<=  )(?:\d+[smhd])+(?=  |$)/g, 'AGE')
        .replaceAll(/\bfor \d+ s\b/g, 'for SECONDS')
        .replace(/^(\[\+\]certificate ok): expires.*$/, '$1'),
    );
  // The API server lists errors in no order.
  const listed = lines.filter((line) => line.startsWith('* ')).sort();
  return lines.map((line) => (line.startsWith('* ') ? listed.shift() : line)).join('\n');
}
