/** One panel of the picture. */
export interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly values: readonly number[];
}

const WIDTH = 1000;
const PANEL = 180;
const LEFT = 70;
const TOP = 30;

/**
 * An SVG of values over time, a panel for each.
 *
 * @param seconds of each value, all panels alike
 * @param warmUp seconds from which on the run counts
 */
export function graph(seconds: readonly number[], warmUp: number, panels: readonly Panel[]): string {
  const last = seconds.at(-1) ?? 1;
  const x = (second: number): number => LEFT + (second / last) * (WIDTH - LEFT - 20);
  const drawn = panels.map(({ title, unit, values }, index) => {
    const top = index * PANEL + TOP;
    const most = Math.max(...values) * 1.1 || 1;
    const y = (value: number): number => top + (1 - value / most) * (PANEL - 2 * TOP);
    const points = values.map((value, at) => `${x(seconds[at] ?? 0).toFixed(1)},${y(value).toFixed(1)}`);
    return [
      `<text x="${LEFT}" y="${top - 8}">${title}</text>`,
      `<text x="4" y="${y(most) + 10}">${most.toPrecision(3)} ${unit}</text>`,
      `<text x="4" y="${y(0)}">0</text>`,
      `<path class="axis" d="M${LEFT} ${y(most)}V${y(0)}H${WIDTH - 20}"/>`,
      `<path class="warm" d="M${x(warmUp)} ${y(most)}V${y(0)}"/>`,
      `<polyline points="${points.join(' ')}"/>`,
    ].join('\n');
  });
  const height = panels.length * PANEL + TOP;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">`,
    '<style>path,polyline{fill:none;stroke:#1f5fa8}.axis{stroke:#888}.warm{stroke:#c60;stroke-dasharray:4}</style>',
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    ...drawn,
    `<text x="${LEFT}" y="${height - 8}">${Math.round(last)} seconds; what counts begins at the broken line</text>`,
    '</svg>',
    '',
  ].join('\n');
}
