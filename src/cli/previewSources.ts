import type { FilePreview } from '../preview/previewFile.js';
import type { ManifestIo } from './manifestIo.js';
import { manifestSources, readSource, sourceProblems, type Source } from './manifestSources.js';
import type { PlanSettings } from './planFlags.js';

/** A file, and what hardening does to the objects in it. */
export interface SourcePreview {
  readonly source: Source;
  readonly preview: FilePreview;
}

/**
 * Looks at every file, also where the settings are wrong: all problems are told together.
 *
 * @param paths as given to `-f`
 * @param settings undefined where a flag is wrong: then the files are read, and no more
 * @param problems what is wrong is added here, one line each
 */
export async function previewSources(
  paths: readonly string[],
  settings: PlanSettings | undefined,
  io: ManifestIo,
  problems: string[],
): Promise<SourcePreview[]> {
  const { previewFile } = await import('../preview/previewFile.js');
  const previews: SourcePreview[] = [];
  for (const source of manifestSources(paths, problems)) {
    try {
      const file = await readSource(source, io);
      if (settings)
        previews.push({ source, preview: await previewFile(file, settings.choices, settings.plans) });
    } catch (error) {
      problems.push(...sourceProblems(error, source));
    }
  }
  return previews;
}
