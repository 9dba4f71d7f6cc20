import { oneLine, scalarText } from '../policy/yamlLine.js';
import { SINGLE } from './fields.js';
import type { LearnedField, LearnedProfile, LearnedValue } from './observation.js';

const WIDTH = 100;
const PARENT = 'startsAsRoot';

/** The profile as YAML: a list of one entry of spec.imageProfiles, each value with its evidence beside it. */
export function profileYaml({ fields, warnings, ways, missing }: LearnedProfile): string {
  const head = [
    'An entry of spec.imageProfiles in a HardeningPolicy, by what was seen of a running container.',
    ...ways,
  ];
  const [images, ...rest] = fields;
  const inner: string[] = [];
  let isInParent = false;
  for (const field of rest) {
    const [parent, child] = field.field.split('.');
    if (child === undefined) {
      inner.push(...fieldLines(field, field.field));
      continue;
    }
    if (!isInParent && field.values.length > 0) inner.push(`${parent ?? PARENT}:`);
    isInParent ||= field.values.length > 0;
    inner.push(...fieldLines(field, child).map((line) => `  ${line}`));
  }
  const lines = [
    ...comment(head.join(' ')),
    ...warnings.flatMap((warning) => comment(`Warning: ${warning}`)),
    ...missing.flatMap((each) => comment(`Not seen: ${each}`)),
    ...(images
      ? fieldLines(images, 'images').map((line, index) => (index === 0 ? `- ${line}` : `  ${line}`))
      : []),
    ...inner.map((line) => `  ${line}`),
  ];
  return `${lines.join('\n')}\n`;
}

function fieldLines({ values, notes, field }: LearnedField, name: string): string[] {
  const text = notes.map((note) => (values.length === 0 ? `${name}: ${note}` : note));
  const comments = text.flatMap((note) => comment(note));
  const line = ({ value, because }: LearnedValue): string => `${scalarText(value)} # ${oneLine(because)}`;
  const [first] = values;
  if (first === undefined) return comments;
  if (SINGLE.includes(field)) return [...comments, `${name}: ${line(first)}`];
  return [...comments, `${name}:`, ...values.map((value) => `  - ${line(value)}`)];
}

function comment(text: string): string[] {
  const lines: string[] = [];
  let line = '#';
  for (const word of oneLine(text).split(' ')) {
    if (line !== '#' && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = '#  ';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
