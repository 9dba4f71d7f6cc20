import { byId } from './view/dom.js';

/** The listener takes no more. */
const MAX_BYTES = 20 * 1024 * 1024;

/** Files that are picked or dropped anywhere on the page. Several become the documents of one stream. */
export function openFiles(
  opened: (text: string, names: string) => void,
  refused: (why: string) => void,
): void {
  const picker = byId('file', HTMLInputElement);
  byId('open', HTMLButtonElement).addEventListener('click', () => picker.click());
  picker.addEventListener('change', () => {
    void read([...(picker.files ?? [])]);
    // The same file once more is a change too.
    picker.value = '';
  });
  const hint = byId('drop', HTMLDivElement);
  const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') === true;
  // Before the editor sees it, which would put the file's text where the mouse is.
  const capture = { capture: true };
  document.addEventListener(
    'dragover',
    (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      hint.hidden = false;
    },
    capture,
  );
  document.addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) hint.hidden = true;
  });
  document.addEventListener(
    'drop',
    (event) => {
      hint.hidden = true;
      if (!hasFiles(event)) return;
      event.preventDefault();
      event.stopPropagation();
      void read([...(event.dataTransfer?.files ?? [])]);
    },
    capture,
  );

  async function read(files: readonly File[]): Promise<void> {
    if (files.length === 0) return;
    const names = files.map(({ name }) => name).join(', ');
    const bytes = files.reduce((sum, { size }) => sum + size, 0);
    if (bytes > MAX_BYTES) {
      refused(`${names}: more than ${MAX_BYTES / 1024 / 1024} MiB cannot be previewed at once.`);
      return;
    }
    try {
      const texts = await Promise.all(files.map((file) => file.text()));
      opened(texts.join('\n---\n'), names);
    } catch {
      refused(`${names} cannot be read; a folder cannot be opened, its files can.`);
    }
  }
}
