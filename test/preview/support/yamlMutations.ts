/** What gives a YAML text another meaning, wherever it is put. */
const BITS = [
  ...[
    ' ',
    '  ',
    '\n',
    '\n\n',
    '\n  ',
    '\n- ',
    ':',
    ': ',
    '-',
    '- ',
    '?',
    '? ',
    '#',
    ' # c',
    ',',
    ', ',
    '=',
    '~',
  ],
  ...[
    '"',
    "'",
    '\\',
    '\\n',
    '{',
    '}',
    '[',
    ']',
    '{}',
    '[]',
    '[a, b]',
    '{a: b}',
    '|',
    '|\n',
    '|-\n',
    '>',
    '>\n',
  ],
  ...[
    '&a',
    '*a',
    '!',
    '!!str',
    '%',
    '@',
    '`',
    '<<',
    '<<: ',
    '...',
    '\n...\n',
    '---',
    '---\n',
    '\n---\n',
    '--- ',
  ],
  ...['null', 'on', '0400', '1e3', '.inf', '__proto__: x', 'a: b', '"a": ', '\t', '\r', '\r\n'],
  ...['\u00e9', '\u0085', '\u2028', '\uFEFF', '\u0007'],
];

/** Texts near to given ones, most of them wrong. The same for the same seed. */
export function* yamlMutations(texts: readonly string[], count: number, seed: number): Generator<string> {
  const random = mulberry32(seed);
  const below = (end: number): number => Math.floor(random() * end);
  for (let made = 0; made < count; made++) {
    let text = texts[below(texts.length)] ?? '';
    if (random() < 0.3) text = text.slice(0, below(text.length));
    if (random() < 0.15) text += `---\n${texts[below(texts.length)] ?? ''}`;
    if (random() < 0.1) text = text.replaceAll('\n', '\r\n');
    for (let changes = 1 + below(3); changes > 0; changes--) {
      const at = below(text.length);
      const gone = random() < 0.4 ? below(4) : 0;
      text =
        text.slice(0, at) + (random() < 0.8 ? (BITS[below(BITS.length)] ?? '') : '') + text.slice(at + gone);
    }
    yield text;
  }
}

/** A generator of numbers from 0 to 1 that is as good as this takes. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
