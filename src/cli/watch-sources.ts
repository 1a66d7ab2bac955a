import { watch } from 'node:fs';
import { isSource } from './function-directory.js';

/** Editors write a file in several steps; one build is enough for them all. */
const SETTLE_MS = 200;

/** Calls back once per burst of changes with the files, one call at a time, until stopped. */
export function watchSources(
  directory: string,
  signal: AbortSignal,
  changed: (files: ReadonlySet<string>) => Promise<void>,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let files = new Set<string>();
  const watcher = watch(directory, { recursive: true }, (_event, file) => {
    if (file === null || !isSource(file)) return;
    files.add(file);
    clearTimeout(timer);
    timer = setTimeout(() => {
      const burst = files;
      files = new Set();
      running = running.then(() => changed(burst));
    }, SETTLE_MS);
  });
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      watcher.close();
      running.then(resolve);
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}
