import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../../errors.js';
import { Progress } from '../activity.js';
import { buildFunction, isPrebuilt, MODULE_FILE } from '../build/build.js';
import { describeBuilt } from '../commands/build.js';
import type { Terminal } from '../terminal.js';
import { mapCollectingErrors } from './map-collecting-errors.js';
import type { ProjectFunction } from './project.js';

/**
 * Builds every function, even if its own files are unchanged: shared files may be outside its
 * directory, and compilers have their own caches. A module without sources stays as it is.
 */
export async function buildAll(chosen: readonly ProjectFunction[], terminal: Terminal): Promise<void> {
  const functions = chosen.filter(({ directory, manifest }) => !isPrebuilt(directory, manifest.build));
  const progress = new Progress(terminal, 'Building', functions.length);
  try {
    await mapCollectingErrors(functions, availableParallelism(), ({ name, directory, manifest }) =>
      progress.of(
        name,
        async () => {
          const built = await buildFunction(directory, manifest.build);
          for (const warning of built.warnings) terminal.problem(`warning: ${join(directory, warning)}`);
          return built;
        },
        describeBuilt,
      ),
    );
  } finally {
    progress.end();
  }
}

/** Throws `build_failed` unless every module exists. Used with --no-build. */
export function assertBuilt(functions: readonly ProjectFunction[]): void {
  const missing = functions.filter(({ directory }) => !existsSync(join(directory, MODULE_FILE)));
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => name).join(', ');
  throw new AppError('build_failed', `There is no ${MODULE_FILE} of ${names}; deploy without --no-build`);
}
