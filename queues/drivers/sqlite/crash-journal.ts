import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../../src/errors.js';
import { fileReason } from '../../../src/files/file-reason.js';
import { uuidv7 } from '../../../src/uuid.js';
import { type CrashJournal, RETENTION_MS, type RunEntry, readEntries } from '../../crash-journal.js';

const DIRECTORY = 'running';
/**
 * Holds about 1,200 runs. The file is allocated in full when it is created, so that writes do not
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
  readonly #before: ReadonlyMap<string, number | null>;
  #closed = false;

  private constructor(file: string, descriptor: number, before: ReadonlyMap<string, number | null>) {
    this.#file = file;
    this.#descriptor = descriptor;
    this.#before = before;
  }

  /**
   * Opens the journal. The caller must hold the lock on `dataDir`, so that no other process writes
   * here while this one runs. Throws `bad_config` if it cannot be read and written.
   */
  static async open(dataDir: string): Promise<FileCrashJournal> {
    const directory = join(dataDir, DIRECTORY);
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const before = await runsBefore(directory);
      const file = join(directory, uuidv7());
      return new FileCrashJournal(file, await allocate(file), before);
    } catch (cause) {
      const sentence = `The directory ${directory} of the data directory cannot be read and written: ${fileReason(cause)}; see that this user may do so, and that its disk is not full.`;
      throw new AppError('bad_config', sentence, { cause });
    }
  }

  async write(runs: readonly RunEntry[]): Promise<void> {
    if (this.#closed) return;
    const text = runs.length === 0 ? END : `${runs.join('\n')}${END}`;
    if (text.length <= FILE_BYTES) writeSync(this.#descriptor, text, 0, 'latin1');
  }

  /** Resolves with the runs of dead processes; no run of this process has crashed. */
  async read(): Promise<ReadonlyMap<string, number | null>> {
    return this.#before;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#descriptor);
    await rm(this.#file, { force: true });
  }
}

/**
 * Reads the runs of dead processes, deletes the files that are empty or old, and truncates the
 * others to their text, since an engine that crashes again and again leaves one at every start.
 */
async function runsBefore(directory: string): Promise<ReadonlyMap<string, number | null>> {
  const before: string[] = [];
  for (const name of await readdir(directory)) {
    const file = join(directory, name);
    const text = await readFile(file, 'latin1');
    const isOld = Date.now() - (await stat(file)).mtimeMs > RETENTION_MS;
    if (isOld || text.startsWith(END)) {
      await rm(file, { force: true });
      continue;
    }
    const end = text.indexOf(END);
    for (const run of text.slice(0, end).split('\n')) before.push(run);
    // Only once, as it sets the time of modification.
    if (text.length > end + END.length) await truncate(file, end + END.length);
  }
  return readEntries(before);
}

/**
 * Creates a file of the whole size and returns its descriptor. A full disk leaves no file behind.
 */
async function allocate(file: string): Promise<number> {
  const descriptor = openSync(file, 'wx', 0o600);
  try {
    // Unlike `writeSync`, which writes less on a disk that is nearly full.
    writeFileSync(descriptor, Buffer.alloc(FILE_BYTES, '\n'));
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    await rm(file, { force: true }).catch(() => undefined);
    throw error;
  }
}
