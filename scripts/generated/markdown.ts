/** A table of cells that are Markdown already. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [row(head), `|${'---|'.repeat(head.length)}`, ...rows.map(row)].join('\n');
}

/** In a table a bar ends the cell, in code too. */
export function cell(text: string): string {
  return text.replaceAll(/(?<!\\)\|/g, '\\|').replaceAll('\n', '<br>');
}

/** Plain text, none of which Markdown takes for its own. */
export function prose(text: string): string {
  return text.replaceAll(/[\\*<>[\]]/g, '\\$&');
}

/** Empty for what is empty. */
export function code(text: string): string {
  return text === '' ? '' : `\`${text}\``;
}

/** A value as one writes it in YAML, on one line. */
export function inYaml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inYaml).join(', ')}]`;
  if (typeof value !== 'object' || value === null)
    return typeof value === 'string' && /^\d+$/.test(value) ? `"${value}"` : String(value);
  const fields = Object.entries(value).map(([key, inner]) => `${key}: ${inYaml(inner)}`);
  return `{${fields.join(', ')}}`;
}
