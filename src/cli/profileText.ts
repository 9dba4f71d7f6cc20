import type { DraftField, DraftValue, ProfileDraft } from '../images/draft/draftProfile.js';
import { oneLine, scalarText } from '../policy/yamlLine.js';

/** As the rest of the project's texts; a list of paths may be longer. */
const WIDTH = 100;

/** Fields with one value; the others are lists. */
const SINGLE: readonly string[] = ['runAsUser', 'runAsGroup'];

/** What stands for a field without values: the field's name in a comment, to be filled in. */
const TOLD_ELSEWHERE: readonly string[] = ['images', 'runAsGroup'];

const HEAD = [
  'An entry of spec.imageProfiles in a HardeningPolicy. Values follow from the image; comments say',
  'from what, and what it does not tell. With a profile an image counts as known: unknownImages: Safe',
  'no longer spares it, so complete the profile first.',
];

/** The profile as YAML: a list of one entry, each value with its evidence beside it. */
export function profileYaml({ fields }: ProfileDraft): string {
  const [images, ...rest] = fields;
  const lines = [
    ...HEAD.map((line) => `# ${line}`),
    ...(images ? noteLines(images.notes, '# ') : []),
    ...(images ? valueLines(images).map((line, index) => (index === 0 ? `- ${line}` : `  ${line}`)) : []),
    ...rest.flatMap((field) => fieldLines(field).map((line) => `  ${line}`)),
  ];
  return `${lines.join('\n')}\n`;
}

/** The profile and, beside it, what is said of each field. */
export function profileJson({ profile, fields }: ProfileDraft): string {
  return `${JSON.stringify({ profile, fields }, null, 2)}\n`;
}

function fieldLines(field: DraftField): string[] {
  const { values, notes } = field;
  if (values.length > 0) return [...noteLines(notes, '# '), ...valueLines(field)];
  const [first = '', ...others] = notes;
  const head = TOLD_ELSEWHERE.includes(field.field) ? first : `${field.field}: ${first}`;
  return [...noteLines([head], '# ', '#   '), ...noteLines(others, '#   ')];
}

function valueLines({ field, values }: DraftField): string[] {
  const line = ({ value, because }: DraftValue): string => `${scalarText(value)} # ${oneLine(because)}`;
  const [first] = values;
  if (SINGLE.includes(field)) return first ? [`${field}: ${line(first)}`] : [];
  return [`${field}:`, ...values.map((value) => `  - ${line(value)}`)];
}

function noteLines(notes: readonly string[], start: string, next = start): string[] {
  return notes.flatMap((note) => {
    const text = oneLine(note);
    // An item of a list keeps its two blanks, and its line.
    return text.startsWith('  ') ? [`${start}${text}`] : wrapped(text, start, next);
  });
}

function wrapped(text: string, start: string, next: string): string[] {
  const lines: string[] = [];
  let line = start;
  let isEmpty = true;
  for (const word of text.split(' ')) {
    if (!isEmpty && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = next;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line];
}
