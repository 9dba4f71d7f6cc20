/**
 * Whether a text matches a glob: `*` any characters, `?` one. It goes back to the last star only, so that it takes at
 * most pattern times text steps, and no pattern and text can stall us.
 */
export function matchesGlob(glob: string, text: string): boolean {
  let g = 0;
  let t = 0;
  let star = -1;
  let resume = 0;
  while (t < text.length) {
    if (glob[g] === '*') {
      star = g++;
      resume = t;
    } else if (g < glob.length && (glob[g] === '?' || glob[g] === text[t])) {
      g++;
      t++;
    } else if (star >= 0) {
      g = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (glob[g] === '*') g++;
  return g === glob.length;
}

export function isGlob(text: string): boolean {
  return text.includes('*') || text.includes('?');
}
