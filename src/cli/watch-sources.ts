import { isSource, mayBeSource } from './function-directory.js';
import { watchTree } from './watch-tree.js';

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
  isWatched?(file: string): boolean;
}

/**
 * Calls `build` immediately with undefined, and then with the changed files once per burst of
 * changes, one call at a time, until the signal is aborted. Watching starts before the first call,
 * so changes during that call cause another one.
 */
export function watchSources(
  directory: string,
  { signal, report, isWatched = mayBeSource }: WatchOptions,
  build: (files: ReadonlySet<string> | undefined) => Promise<void>,
): Watching {
  let timer: NodeJS.Timeout | undefined;
  const changes = new Changes();
  const onChange = (file: string) => {
    if (!isWatched(file) || !changes.add(file)) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      running = running.then(async () => {
        const files = changes.take();
        // The call before may have taken them.
        if (files.size > 0) await build(files).finally(() => changes.ended());
      });
    }, DEBOUNCE_MS);
  };
  const watcher = watchTree(directory, { isWatched, onChange, onError: report });
  let running = build(undefined).finally(() => changes.ended());
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

/**
 * The changed files that are to be built. A file that changes during a build may have been saved
 * meanwhile, or have been written by the build. Unless its type shows that it is source, it causes
 * one more build: what changes during that one is output, and causes none.
 */
class Changes {
  #due = new Set<string>();
  /** Those of `#due` that may be outputs. */
  #doubtful = new Set<string>();
  readonly #outputs = new Set<string>();
  /** Whether the current or latest build was caused by doubtful files only. */
  #isProbe = false;
  /** When the latest build ended: its changes are reported a little later. */
  #endedAt = Number.POSITIVE_INFINITY;

  /** Returns whether the change is to be built. */
  add(file: string): boolean {
    const isDuring = performance.now() < this.#endedAt + DEBOUNCE_MS;
    if (isDuring && !isSource(file)) {
      if (this.#isProbe) this.#outputs.add(file);
      if (this.#outputs.has(file)) return false;
      if (!this.#due.has(file)) this.#doubtful.add(file);
    } else {
      this.#outputs.delete(file);
      this.#doubtful.delete(file);
    }
    this.#due.add(file);
    return true;
  }

  /** Returns the files of a build that begins. */
  take(): ReadonlySet<string> {
    const files = this.#due;
    if (files.size > 0) {
      this.#isProbe = this.#doubtful.size === files.size;
      this.#due = new Set();
      this.#doubtful = new Set();
      this.#endedAt = Number.POSITIVE_INFINITY;
    }
    return files;
  }

  ended(): void {
    this.#endedAt = performance.now();
  }
}
