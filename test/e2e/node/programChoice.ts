import { PROGRAMS } from './programs/index.js';
import type { Program } from './programs/program.js';

/**
 * The programs of a run, by the environment variable E2E_NODE_PROGRAMS: `all`, or ids with commas between, or those of
 * every run in CI where it is not set.
 *
 * @throws Error naming an id that no program has
 */
export function chosenPrograms(wanted = process.env['E2E_NODE_PROGRAMS'] ?? ''): readonly Program[] {
  if (wanted === '') return PROGRAMS.filter(({ inCi }) => inCi === true);
  if (wanted === 'all') return PROGRAMS;
  return wanted.split(',').map((id) => {
    const program = PROGRAMS.find((one) => one.id === id);
    if (program !== undefined) return program;
    const known = PROGRAMS.map((one) => one.id).join(', ');
    throw new Error(`E2E_NODE_PROGRAMS names ${id}, which is no program; there are ${known}, or all`);
  });
}
