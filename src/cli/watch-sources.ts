import { watch } from 'node:fs';
import { isSource } from './function-directory.js';

/** Editors write a file in several steps; one build is enough for them all. */
const SETTLE_MS = 200;

export interface Watching {
  /** The calls that are due so far are over. */
  settled(): Promise<void>;
  ended: Promise<void>;
}

/**
 * Calls back at once, with undefined, and then once per burst of changes with the files, one call
 * at a time, until stopped. Watches before the first call: what is saved while that runs is the
 * next burst.
 */
export function watchSources(
  directory: string,
  signal: AbortSignal,
  changed: (files: ReadonlySet<string> | undefined) => Promise<void>,
  isWatched: (file: string) => boolean = isSource,
): Watching {
  let timer: NodeJS.Timeout | undefined;
  let files = new Set<string>();
  const watcher = watch(directory, { recursive: true }, (_event, file) => {
    if (file === null || !isWatched(file)) return;
    files.add(file);
    clearTimeout(timer);
    timer = setTimeout(() => {
      const burst = files;
      files = new Set();
      running = running.then(() => changed(burst));
    }, SETTLE_MS);
  });
  let running = changed(undefined);
  const ended = new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer);
      watcher.close();
      running.then(resolve);
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
  return { settled: () => running, ended };
}
