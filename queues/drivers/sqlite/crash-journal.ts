import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { uuidv7 } from '../../../src/uuid.js';
import { type CrashJournal, RETENTION_MS, type RunKey } from '../../crash-journal.js';

const DIRECTORY = 'running';
/**
 * Holds about 1,600 keys of runs. The file is allocated in full when it is created, so that writes do not
 * need space on a full disk.
 */
const FILE_BYTES = 64 << 10;
const END = '\n\n';

/**
 * The crash journal of the embedded drivers: one file per process in the data directory,
 * overwritten in place and never synced. Written data is in the page cache of the operating system,
 * which survives `kill -9`. A machine crash loses the record; a crash without a record is
 * attributed to no job.
 */
export class FileCrashJournal implements CrashJournal {
  readonly #file: string;
  readonly #descriptor: number;
  readonly #before: ReadonlySet<string>;
  #closed = false;

  private constructor(file: string, descriptor: number, before: ReadonlySet<string>) {
    this.#file = file;
    this.#descriptor = descriptor;
    this.#before = before;
  }

  /**
   * Opens the journal. The caller must hold the lock on `dataDir`, so that no other process writes
   * here while this one runs.
   */
  static async open(dataDir: string): Promise<FileCrashJournal> {
    const directory = join(dataDir, DIRECTORY);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const before = new Set<string>();
    for (const name of await readdir(directory)) {
      const file = join(directory, name);
      const text = await readFile(file, 'latin1');
      const isOld = Date.now() - (await stat(file)).mtimeMs > RETENTION_MS;
      if (isOld || text.startsWith(END)) await rm(file, { force: true });
      else for (const run of text.slice(0, text.indexOf(END)).split('\n')) before.add(run);
    }
    const file = join(directory, uuidv7());
    const descriptor = openSync(file, 'wx', 0o600);
    writeSync(descriptor, Buffer.alloc(FILE_BYTES, '\n'), 0, FILE_BYTES, 0);
    return new FileCrashJournal(file, descriptor, before);
  }

  async write(runs: readonly RunKey[]): Promise<void> {
    if (this.#closed) return;
    const text = runs.length === 0 ? END : `${runs.join('\n')}${END}`;
    if (text.length <= FILE_BYTES) writeSync(this.#descriptor, text, 0, 'latin1');
  }

  /** Resolves with the runs of dead processes; no run of this process has crashed. */
  async read(): Promise<ReadonlySet<string>> {
    return this.#before;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#descriptor);
    await rm(this.#file, { force: true });
  }
}
