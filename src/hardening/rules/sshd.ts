import type { ContainerDraft } from '../containerDraft.js';
import type { Path, Rule } from '../rule.js';

const DAEMONS = ['sshd', 'dropbear'];
const SSH_PORT = 22;
const IMAGE_NAME = /(^|[-_.])(openssh-server|sshd|dropbear)([-_.]|$)/;
/** What separates words and commands in `sh -c` strings. */
const SEPARATORS = /[\s;&|()<>"'`$]+/;

/**
 * Finds SSH daemons: a second door into the container, with keys and users that nobody watches; `kubectl exec` is the
 * first one.
 *
 * Fields: `command` and `args` (also inside `sh -c`), `ports[*].containerPort` 22, `image` named for it.
 */
export const sshd: Rule = {
  id: 'sshd',
  title: 'No SSH daemon runs in containers',
  reason: 'An SSH daemon is a second way in, past the API server, its authorization and its audit log.',
  risk: 'low',
  os: 'any',
  actions: ['Default', 'Warn', 'Deny', 'Disabled'],
  refused: { Override: 'there is no value that could replace a command or an image; use Deny' },
  sets: { Default: 'nothing; what looks like an SSH daemon is reported', Override: 'not possible: use Deny' },
  fields: [],

  apply(pod) {
    for (const container of pod.containers) {
      const found = findDaemon(container);
      if (found) pod.report(container, found.path, found.value);
    }
  },
};

function findDaemon({ spec }: ContainerDraft): { path: Path; value: unknown } | undefined {
  for (const field of ['command', 'args'] as const) {
    const index = spec[field]?.findIndex(namesDaemon) ?? -1;
    if (index >= 0) return { path: [field, index], value: spec[field]?.[index] };
  }
  const port = spec.ports?.findIndex(({ containerPort }) => containerPort === SSH_PORT) ?? -1;
  if (port >= 0) return { path: ['ports', port, 'containerPort'], value: SSH_PORT };
  const image = spec.image ?? '';
  if (!image.includes('ssh') && !image.includes('dropbear')) return undefined;
  const name = image.slice(image.lastIndexOf('/') + 1).replace(/[:@].*$/, '');
  return IMAGE_NAME.test(name) ? { path: ['image'], value: image } : undefined;
}

function namesDaemon(argument: string): boolean {
  if (!argument.includes('sshd') && !argument.includes('dropbear')) return false;
  return argument.split(SEPARATORS).some((word) => DAEMONS.includes(word.slice(word.lastIndexOf('/') + 1)));
}
