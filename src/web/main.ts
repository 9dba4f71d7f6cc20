import { EXAMPLE } from './example.js';
import { hardenedEditor } from './editor/hardenedEditor.js';
import { inputEditor } from './editor/inputEditor.js';
import { moveTo } from './editor/replaceText.js';
import { syncScroll } from './editor/syncScroll.js';
import { openFiles } from './files.js';
import { ListenerError, loadCatalogue, type Catalogue } from './listener.js';
import { PreviewClient } from './previewClient.js';
import { fromFragment, MAX_LINK, toFragment } from './shareLink.js';
import { ChoicesForm } from './view/choicesForm.js';
import { byId } from './view/dom.js';
import { showLine } from './view/lineCard.js';
import { showObject } from './view/objectDetail.js';
import { ObjectList, plural } from './view/objectList.js';
import { hideProblem, showProblem } from './view/problemBox.js';
import { announce, copy } from './view/status.js';
import type { PreviewAnswer, PreviewFailure } from './worker/protocol.js';

/** Milliseconds without a key before the listener is asked, and as many more for each 10,000 characters. */
const PAUSE = 120;
const PAUSE_PER_SIZE = 3;
/** Characters of a text that are handed over in less than 10 ms. */
const AT_ONCE_MAX = 500_000;

/** Where the panes stand side by side; page.css says the same. */
const WIDE = matchMedia('(min-width: 900px)');

let catalogue: Catalogue | undefined;
let answer: PreviewAnswer | undefined;
let selected = 0;
let timer = 0;
/** What a link holds is put in place: it can be reloaded as long as it is what is shown. */
let isOpening = false;

const token = byId('token', HTMLInputElement);
const pane = byId('hardened-pane', HTMLElement);

const choices = new ChoicesForm((how) => askAnew(how === 'chosen' ? 0 : PAUSE * 2));
const input = inputEditor(byId('input', HTMLDivElement), (how, length) => {
  askAnew(how === 'pasted' ? 0 : PAUSE + (length / 10_000) * PAUSE_PER_SIZE);
});
const hardened = hardenedEditor(byId('hardened', HTMLDivElement), (line, isChanged) => {
  if (isChanged) client.askLine(line);
});
const objects = new ObjectList((index) => {
  selected = index;
  client.askObject(index);
});
const client = new PreviewClient({
  previewed,
  failed,
  line: (found) => {
    showLine(found, { mayOptOut, goTo: goToHardened });
    const object = found.parts[0]?.object;
    if (object === undefined || object === selected) return;
    selected = object;
    objects.select(object);
    client.askObject(object);
  },
  object: (found) => showObject(found, { mayOptOut, goTo: goToHardened }),
});

/** The same of another text or other choices: what was shared or reported before is no longer what is shown. */
function askAnew(pause: number): void {
  if (location.hash !== '' && !isOpening) history.replaceState(null, '', location.pathname);
  ask(pause);
}

/** Asks for a preview of what is there now, after so many milliseconds without another wish. */
function ask(pause: number): void {
  window.clearTimeout(timer);
  // Before the browser draws what was pasted, which takes it tens of milliseconds, but when the editor has taken it. To
  // hand over a large text takes so long that the two are better not one task.
  if (pause === 0 && input.view.state.doc.length <= AT_ONCE_MAX) queueMicrotask(askNow);
  else timer = window.setTimeout(askNow, pause);
}

function askNow(): void {
  const text = input.text();
  if (text.trim() === '') {
    empty();
    return;
  }
  pane.setAttribute('aria-busy', 'true');
  client.preview(text, choices.get(), token.value.trim());
  if (catalogue === undefined) void offerChoices();
}

function previewed(found: PreviewAnswer): void {
  answer = found;
  hideProblem();
  input.markErrors([]);
  hardened.show(found);
  pane.removeAttribute('aria-busy');
  // On its own turn: with 50,000 changed lines each of the two takes tens of milliseconds.
  window.setTimeout(() => {
    if (answer === found) input.mark(found);
  });
  selected = Math.min(selected, Math.max(found.objects.length - 1, 0));
  byId('line', HTMLElement).hidden = true;
  byId('objects', HTMLElement).hidden = found.objects.length === 0;
  objects.show(found.objects, selected);
  client.askObject(selected);
  enable(true, found.lines.length > 0);
  announce(summary(found));
  onceDrawn(
    () => input.colour(),
    () => hardened.colour(),
  );
}

/** Each on its own turn, after the browser has drawn what has been done so far. */
function onceDrawn(...steps: readonly (() => void)[]): void {
  const [first, ...others] = steps;
  if (first === undefined) return;
  requestAnimationFrame(() =>
    window.setTimeout(() => {
      first();
      onceDrawn(...others);
    }),
  );
}

function summary({ objects: all }: PreviewAnswer): string {
  const changes = all.reduce((sum, object) => sum + object.changes, 0);
  const violations = all.reduce((sum, object) => sum + object.violations, 0);
  const denied = all.filter(({ outcome }) => outcome === 'denied').length;
  const [only] = all.length === 1 ? all : [];
  return [
    `${plural(changes, 'change')} in ${plural(all.length, 'object')}.`,
    violations > 0 && `${plural(violations, 'violation')}.`,
    denied > 0 && `${plural(denied, 'object')} refused.`,
    only?.after && `Pod Security: ${only.before ?? ''} \u2192 ${only.after}.`,
  ]
    .filter(Boolean)
    .join(' ');
}

function failed(failure: PreviewFailure): void {
  pane.removeAttribute('aria-busy');
  document.body.classList.toggle('stale', answer !== undefined);
  input.markErrors(failure.errors);
  onceDrawn(() => input.colour());
  showProblem(failure, (line, column) => {
    moveTo(input.view, line, column);
    input.view.focus();
  });
  if (failure.status === 401) byId('access', HTMLDetailsElement).open = true;
  const count = failure.errors.length;
  const first = failure.errors[0];
  const where = first?.line === undefined ? '' : `line ${first.line}: `;
  announce(
    count === 0
      ? `${failure.title}: ${failure.detail}`
      : `${failure.title}: ${where}${first?.message ?? ''}${count > 1 ? `, and ${plural(count - 1, 'more error')}` : ''}`,
  );
}

function empty(): void {
  client.forget();
  answer = undefined;
  selected = 0;
  hideProblem();
  input.markErrors([]);
  hardened.clear();
  pane.removeAttribute('aria-busy');
  for (const id of ['line', 'objects']) byId(id, HTMLElement).hidden = true;
  enable(false, false);
  announce('Paste a manifest, drop a file, or start with the example.');
}

function enable(hasText: boolean, hasChanges: boolean): void {
  document.body.classList.remove('stale');
  byId('copy-yaml', HTMLButtonElement).disabled = !hasText;
  for (const id of ['previous', 'next']) byId(id, HTMLButtonElement).disabled = !hasChanges;
}

function goToHardened(line: number): void {
  moveTo(hardened.view, line);
  hardened.view.focus();
  byId('hardened-pane', HTMLElement).scrollIntoView({ block: 'nearest' });
}

function mayOptOut(policy: string, rule: string): boolean | undefined {
  const found = catalogue?.policies.find(({ name }) => name === policy);
  const entry = Object.entries(found?.rules ?? {}).find(([id]) => id === rule)?.[1];
  return entry === undefined ? undefined : entry.optOut === 'Allowed';
}

async function offerChoices(): Promise<void> {
  try {
    catalogue = await loadCatalogue(choices.get().namespace, token.value.trim());
    choices.offer(
      catalogue.policies.map(({ name }) => name),
      catalogue.rules,
    );
    // Only now is it known whether a rule can be opted out of.
    if (answer !== undefined) client.askObject(selected);
  } catch (error) {
    if (!(error instanceof ListenerError)) throw error;
    if (error.status === 401) byId('access', HTMLDetailsElement).open = true;
    // The manifest was refused too, and of that more is said.
    if (!byId('problem', HTMLDivElement).hidden) return;
    if (error.status !== 401 || token.value !== '') announce(`${error.title}: ${error.message}`);
    else announce('This server asks who you are: type a token above.');
  }
}

async function share(): Promise<void> {
  const fragment = await toFragment({ text: input.text(), choices: choices.get() });
  const link = location.origin + location.pathname + fragment;
  if (link.length > MAX_LINK) {
    announce(
      `The manifest is too large for a link: it would have ${link.length.toLocaleString('en')} characters, and ${MAX_LINK.toLocaleString('en')} are what browsers take.`,
    );
    return;
  }
  history.replaceState(null, '', fragment);
  await copy(link, 'The link is copied. It carries the manifest and the choices, and no server sees them.');
}

async function openLink(): Promise<void> {
  const { hash } = location;
  if (hash === '' || !hash.startsWith('#v1')) return;
  const shared = await fromFragment(hash);
  if (shared === undefined) {
    announce('The link is cut off or damaged: nothing of it can be read.');
    return;
  }
  isOpening = true;
  choices.set(shared.choices);
  input.setText(shared.text);
  isOpening = false;
}

byId('share', HTMLButtonElement).addEventListener('click', () => void share());
byId('copy-yaml', HTMLButtonElement).addEventListener(
  'click',
  () => void copy(hardened.text(), 'The hardened manifest is copied.'),
);
byId('example', HTMLButtonElement).addEventListener('click', () => input.setText(EXAMPLE));
for (const [id, step] of [
  ['previous', -1],
  ['next', 1],
] as const) {
  byId(id, HTMLButtonElement).addEventListener('click', () => {
    if (!hardened.step(step))
      announce(step === 1 ? 'There is no later change.' : 'There is no earlier change.');
  });
}
token.addEventListener('change', () => {
  catalogue = undefined;
  void offerChoices();
  ask(0);
});
for (const sheet of document.querySelectorAll<HTMLDetailsElement>('details.popover')) {
  sheet.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !sheet.open) return;
    sheet.open = false;
    sheet.querySelector('summary')?.focus();
  });
}
document.addEventListener('click', ({ target }) => {
  for (const sheet of document.querySelectorAll<HTMLDetailsElement>('details.popover[open]')) {
    if (target instanceof Node && target.isConnected && !sheet.contains(target)) sheet.open = false;
  }
});
openFiles(
  (text, names) => {
    input.setText(text);
    announce(`${names} is open.`);
  },
  (why) => announce(why),
);

function alignPanes(): void {
  for (const editor of [input, hardened]) editor.sideBySide(WIDE.matches);
  if (answer === undefined || !WIDE.matches) return;
  input.mark(answer);
  hardened.show(answer);
}
WIDE.addEventListener('change', alignPanes);
alignPanes();
syncScroll(input.view.scrollDOM, hardened.view.scrollDOM, () => WIDE.matches);
window.addEventListener('hashchange', () => void openLink());

void offerChoices();
empty();
void openLink();
