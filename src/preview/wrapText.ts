/** What is broken nowhere but by a `\`, so that it can be copied: a command of kubectl's that sets a label. */
const COMMAND = /kubectl label ns \S+ \S+(?: --overwrite)?/;
const WORDS = new RegExp(`(?<gap>\\s*)(?<word>${COMMAND.source}|\\S+)`, 'g');

/**
 * Breaks text into lines at its spaces. A command stays on one line; where it is longer than a line, it is broken as a
 * shell takes it. A word that is longer than a line is cut.
 *
 * @param width in characters, of every line
 */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const { groups } of visible(text).matchAll(WORDS)) {
    const { gap = '', word = '' } = groups ?? {};
    if (line !== '' && line.length + gap.length + word.length <= width) {
      line += gap + word;
      continue;
    }
    if (line !== '') lines.push(line);
    const parts = COMMAND.test(word) ? brokenCommand(word, width) : cut(word, width);
    line = parts.pop() ?? '';
    lines.push(...parts);
  }
  return line === '' ? lines : [...lines, line];
}

/** Manifests may hold what moves a terminal's cursor or turns its text around: `?` stands in its place. */
export function visible(text: string): string {
  return text.replace(/\s/g, ' ').replace(/[\p{Cc}\p{Cf}]/gu, '?');
}

function brokenCommand(command: string, width: number): string[] {
  if (command.length <= width) return [command];
  const at = command.indexOf('kube-harden.io/');
  return [`${command.slice(0, at)}\\`, `  ${command.slice(at)}`];
}

function cut(word: string, width: number): string[] {
  const characters = Array.from(word);
  return Array.from({ length: Math.ceil(characters.length / width) }, (_, part) =>
    characters.slice(part * width, (part + 1) * width).join(''),
  );
}
