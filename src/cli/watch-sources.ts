import { watch } from 'node:fs';
import { isSource } from './function-directory.js';

/** Debounce interval. Editors write a file in several steps, which should cause one build. */
const DEBOUNCE_MS = 200;

export interface Watching {
  /** Resolves when all calls that are due so far have completed. */
  settled(): Promise<void>;
  ended: Promise<void>;
}

export interface WatchOptions {
  signal: AbortSignal;
  /** Receives errors of the watcher, which continues. */
  report(error: unknown): void;
}

/**
 * Calls `changed` immediately with undefined, and then with the changed files once per burst of
 * changes, one call at a time, until the signal is aborted. Watching starts before the first call,
 * so changes during that call cause another one.
 */
export function watchSources(
  directory: string,
  { signal, report }: WatchOptions,
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
    }, DEBOUNCE_MS);
  });
  watcher.on('error', (error: NodeJS.ErrnoException) => {
    // On Linux, Node lists new directories itself; one may be deleted before it is listed.
    if (error.code !== 'ENOENT') report(error);
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
