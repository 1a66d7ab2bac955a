import { randomBytes } from 'node:crypto';
import { access, constants, link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AppError } from '../errors.js';
import { nodeErrorCode } from '../node-error-code.js';
import { fileReason } from './file-reason.js';
import { makeDirectory } from './make-directory.js';
import { tighten } from './owner-only.js';
import { syncPath } from './sync-path.js';

/** Paths and small files of the data directory. */
export interface DataDir {
  readonly path: string;
  readonly metadata: string;
  readonly functionDatabases: string;
  readonly blobs: string;
  /**
   * Returns the content of a file. If the file is absent, creates it with `make()` and mode 0600;
   * when several processes do so at the same time, all of them get the content that was written
   * first. The file is durable when the promise resolves.
   */
  once(name: string, make: () => string): Promise<string>;
  /** Returns the content of a file, or null if the file does not exist. */
  read(name: string): Promise<string | null>;
  /** Replaces a file atomically, with mode 0600; it is durable when the promise resolves. */
  write(name: string, content: string): Promise<void>;
  remove(name: string): Promise<void>;
}

/** Name of the file from which a CLI on the same machine reads the admin key. */
export const ADMIN_KEY_FILE = 'admin-key';
/** Name of the file that contains the URL of the running engine. */
export const URL_FILE = 'url';
export const SECRETS_KEY_FILE = 'secrets-key';
/** Exists only while the secrets are being re-encrypted with a new key. */
export const NEXT_SECRETS_KEY_FILE = 'secrets-key.next';

/**
 * Opens the data directory and creates it if it is absent. Removes group and other permissions from
 * an existing directory and reports this through `warn`. Throws `bad_config` if the directory is
 * not writable.
 */
export async function openDataDir(path: string, warn: (message: string) => void): Promise<DataDir> {
  const root = resolve(path);
  try {
    makeDirectory(root);
    await access(root, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw unusable(root, error);
  }
  const blobs = join(root, 'blobs');
  const { changed, failed } = await tighten(root, blobs);
  if (changed > 0) {
    warn(
      `In the data directory ${root}, ${changed} files or directories were accessible to other users of this machine; their permissions have been removed.`,
    );
  }
  if (failed > 0) {
    warn(
      `In the data directory ${root}, ${failed} files or directories are accessible to other users and owned by another user; run "chmod -R go-rwx" there as their owner.`,
    );
  }
  /** Writes a temporary file. What a full disk has left of it is removed. */
  const writeDraft = async (name: string, content: string): Promise<string> => {
    const draft = join(root, `.${name}.${randomBytes(6).toString('hex')}`);
    try {
      await writeFile(draft, content, { mode: 0o600, flush: true });
    } catch (error) {
      await removeDraft(draft);
      throw unusable(root, error);
    }
    return draft;
  };

  return {
    path: root,
    metadata: join(root, 'metadata.sqlite'),
    functionDatabases: join(root, 'databases'),
    blobs,
    async once(name, make) {
      const file = join(root, name);
      const existing = await readIfExists(file);
      if (existing !== null) return existing;
      // `link` fails if the name exists, so only one process creates the file, and the file is
      // complete when its name appears.
      const draft = await writeDraft(name, make());
      try {
        await link(draft, file);
      } catch (error) {
        if (nodeErrorCode(error) !== 'EEXIST') throw unusableFile(file, error);
      } finally {
        await removeDraft(draft);
      }
      await onFile(file, syncPath(root));
      return onFile(file, readFile(file, 'utf8'));
    },
    read: (name) => readIfExists(join(root, name)),
    async write(name, content) {
      const file = join(root, name);
      const draft = await writeDraft(name, content);
      try {
        await onFile(file, rename(draft, file));
      } finally {
        await removeDraft(draft);
      }
      await onFile(file, syncPath(root));
    },
    remove: (name) => onFile(join(root, name), rm(join(root, name), { force: true })),
  };
}

/** What cannot be removed must not hide why the file could not be written. */
const removeDraft = (draft: string) => rm(draft, { force: true }).catch(() => undefined);

function unusable(root: string, error: unknown): AppError {
  return new AppError(
    'bad_config',
    `The data directory ${root} cannot be made or written: ${fileReason(error)}. Give another with --data or ORAMA_DATA_DIR.`,
    { cause: error },
  );
}

/** Waits for an operation on a file of the directory. Throws `bad_config`, which names the file. */
async function onFile<T>(file: string, operation: Promise<T>): Promise<T> {
  try {
    return await operation;
  } catch (error) {
    throw unusableFile(file, error);
  }
}

function unusableFile(file: string, error: unknown): AppError {
  return new AppError(
    'bad_config',
    `${file} cannot be read or written: ${fileReason(error)}. See that this user may read and write all of the data directory, or give another with --data or ORAMA_DATA_DIR.`,
    { cause: error },
  );
}

async function readIfExists(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (nodeErrorCode(error) === 'ENOENT') return null;
    throw unusableFile(file, error);
  }
}
