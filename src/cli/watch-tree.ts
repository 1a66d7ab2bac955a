import { type FSWatcher, lstatSync, readdirSync, watch } from 'node:fs';
import { join, sep } from 'node:path';

export interface TreeOptions {
  /** Directories whose files are not watched are skipped. Paths are relative to the root. */
  isWatched(file: string): boolean;
  onChange(file: string): void;
  onError(error: unknown): void;
}

/** Reports the files that change below a directory, relative to it, until it is closed. */
export function watchTree(root: string, options: TreeOptions): { close(): void } {
  if (process.platform === 'linux') return new DirectoryWatchers(root, options);
  const watcher = watch(root, { recursive: true }, (_event, file) => {
    if (file !== null) options.onChange(file);
  });
  watcher.on('error', options.onError);
  return watcher;
}

/**
 * One watcher for each directory. On Linux, Node's recursive watcher follows the inode of each
 * file, so it loses a file that is replaced by a rename, as git and many editors save files.
 */
class DirectoryWatchers {
  readonly #root: string;
  readonly #options: TreeOptions;
  readonly #watchers = new Map<string, FSWatcher>();

  constructor(root: string, options: TreeOptions) {
    this.#root = root;
    this.#options = options;
    this.#open('', () => undefined);
  }

  close(): void {
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  /** Watches a directory and those below it, and calls `found` with the files that are there. */
  #open(directory: string, found: (file: string) => void): void {
    const watcher = watch(join(this.#root, directory), (event, name) => {
      if (name === null) return;
      const path = join(directory, name);
      this.#options.onChange(path);
      // The name was added, removed or replaced.
      if (event === 'rename') this.#renew(path);
    });
    watcher.on('error', this.#options.onError);
    this.#watchers.set(directory, watcher);
    // Listed after the watcher is there, so that nothing that is created meanwhile is missed.
    for (const entry of readdirSync(join(this.#root, directory), { withFileTypes: true })) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) this.#tryOpen(path, found);
      else found(path);
    }
  }

  #tryOpen(directory: string, found: (file: string) => void): void {
    if (!this.#options.isWatched(join(directory, 'file'))) return;
    try {
      this.#open(directory, found);
    } catch (error) {
      // It may have been deleted meanwhile.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#options.onError(error);
    }
  }

  /** Links are not followed, as in the listing of a directory. */
  #isDirectory(path: string): boolean {
    try {
      return lstatSync(join(this.#root, path), { throwIfNoEntry: false })?.isDirectory() === true;
    } catch (error) {
      this.#options.onError(error);
      return false;
    }
  }

  #renew(path: string): void {
    for (const [directory, watcher] of this.#watchers) {
      if (directory !== path && !directory.startsWith(path + sep)) continue;
      watcher.close();
      this.#watchers.delete(directory);
    }
    if (this.#isDirectory(path)) this.#tryOpen(path, this.#options.onChange);
  }
}
