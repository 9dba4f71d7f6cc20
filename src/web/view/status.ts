import { byId } from './dom.js';

/** The one line that says what happened last, and says it to screen readers too. */
export function announce(text: string): void {
  const status = byId('status', HTMLParagraphElement);
  // The same words twice would not be read out again.
  status.textContent = status.textContent === text ? `${text}\u00a0` : text;
}

/** @param what as it is announced: `The patch is copied.` */
export async function copy(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    announce(what);
  } catch {
    announce('The browser does not let this page copy; select the text and copy it.');
  }
}
