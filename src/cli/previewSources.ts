import type { FilePreview } from '../preview/previewFile.js';
import type { ManifestIo } from './manifestIo.js';
import {
  allSources,
  sourceBytes,
  sourceProblems,
  type ManifestInput,
  type Source,
} from './manifestSources.js';
import type { PlanSettings } from './planFlags.js';

/** A file, and what hardening does to the objects in it. */
export interface SourcePreview {
  readonly source: Source;
  readonly preview: FilePreview;
}

/**
 * Looks at every file, also where the settings are wrong: all problems are told together.
 *
 * @param settings undefined where a flag is wrong: then the files are read, and no more
 * @param problems what is wrong is added here, one line each
 */
export async function previewSources(
  input: ManifestInput,
  settings: PlanSettings | undefined,
  io: ManifestIo,
  problems: string[],
): Promise<SourcePreview[]> {
  const [{ readManifests }, { previewFile }] = await Promise.all([
    import('../preview/manifests.js'),
    import('../preview/previewFile.js'),
  ]);
  const previews: SourcePreview[] = [];
  for (const source of await allSources(input, io, problems)) {
    let bytes: Uint8Array | undefined;
    try {
      bytes = await sourceBytes(source, io);
      const file = readManifests(bytes, { file: source.name });
      if (settings)
        previews.push({ source, preview: await previewFile(file, settings.choices, settings.plans) });
    } catch (error) {
      problems.push(...sourceProblems(error, source, bytes));
    }
  }
  return previews;
}
