import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WritableStorage } from 'ipfs-unixfs-importer';
import type { CID } from 'multiformats/cid';
import { AppError, isAppError } from '../../errors.js';
import { fileReason } from '../../files/file-reason.js';
import { syncPath } from '../../files/sync-path.js';
import { nodeErrorCode } from '../../node-error-code.js';
import { absentBlob } from '../absent-blob.js';
import { cidText, importInto, parseCid } from '../unixfs.js';
import { hasBlob } from './local-blob.js';
import { blockFile, readBlob } from './local-blocks.js';
import { type LocalStore, STAGING } from './local-protocol.js';

/** Opens the store of a directory, which must contain the staging directory. */
export function openLocalStore(dir: string): LocalStore {
  return new DirectoryStore(dir);
}

/**
 * A store with one directory per blob, which is named by its CID and contains the blob's blocks. A
 * put writes a staging directory, syncs it to disk and renames it, so that a blob exists completely
 * or not at all, even if the process or the machine crashes. Blobs share no blocks, so they can be
 * deleted without counting references.
 */
class DirectoryStore implements LocalStore {
  readonly cidOf = cidText;
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  async put(bytes: Uint8Array): Promise<string> {
    const staged = this.#newStagingPath();
    const blocks = new BlockWriter(staged);
    try {
      // With the staging directory, which an operator may have removed as empty.
      await mkdir(staged, { recursive: true });
      const cid = await importInto(blocks, bytes);
      await syncTree(staged);
      await this.#install(staged, cid);
      return cid.toString();
    } catch (cause) {
      const sentence = `The storage could not be written to: ${fileReason(cause)}; try again later.`;
      throw new AppError('unavailable', sentence, { cause });
    } finally {
      await blocks.settled();
      // What cannot be removed now is removed at a later start; see local.ts.
      await rm(staged, { recursive: true, force: true }).catch(() => undefined);
    }
  }

  async get(text: string): Promise<Uint8Array> {
    const cid = parseCid(text);
    if (cid === null || !(await hasBlob(this.#dir, text))) throw absentBlob(text);
    try {
      return await readBlob(this.#pathOf(cid), cid);
    } catch (cause) {
      // The blob was deleted during the read.
      if (!(await hasBlob(this.#dir, text))) throw absentBlob(text);
      if (isAppError(cause)) throw cause;
      const sentence = `The stored blob ${text} cannot be read; the engine's log has the details.`;
      throw new AppError('internal', sentence, { cause });
    }
  }

  async delete(text: string): Promise<void> {
    const cid = parseCid(text);
    if (cid === null) return;
    // Renamed first, so that readers find the blob completely or not at all.
    const trashPath = this.#newStagingPath();
    try {
      await rename(this.#pathOf(cid), trashPath);
    } catch (cause) {
      if (nodeErrorCode(cause) === 'ENOENT') return;
      const sentence = `The blob ${text} cannot be deleted right now; try again in a moment.`;
      throw new AppError('unavailable', sentence, { cause });
    }
    await rm(trashPath, { recursive: true, force: true });
  }

  async #install(staged: string, cid: CID): Promise<void> {
    const target = this.#pathOf(cid);
    while (!(await isRenamed(staged, target, ['ENOTEMPTY', 'EEXIST']))) {
      // The blob already exists. Storing it again repairs a damaged one.
      if (await isWhole(target, cid)) break;
      if (await this.#replaceBlocks(staged, target)) break;
    }
    await syncPath(this.#dir);
  }

  /**
   * Replaces the blocks of a blob one by one: readers find the blob at all times, also one that
   * only seemed damaged because it could not be read. Resolves with false if another process has
   * just deleted the blob.
   */
  async #replaceBlocks(staged: string, target: string): Promise<boolean> {
    for (const name of await readdir(staged)) {
      // A copy, because all blocks are needed again if the blob is deleted meanwhile.
      const copy = this.#newStagingPath();
      try {
        await copyFile(join(staged, name), copy);
        await syncPath(copy);
        if (!(await isRenamed(copy, join(target, name), ['ENOENT']))) return false;
      } finally {
        await rm(copy, { force: true });
      }
    }
    await syncPath(target);
    return true;
  }

  #pathOf(cid: CID): string {
    return join(this.#dir, cid.toString());
  }

  #newStagingPath(): string {
    return join(this.#dir, STAGING, randomUUID());
  }
}

/** Writes the blocks of a blob into a directory, identical ones once. */
class BlockWriter implements WritableStorage {
  readonly #dir: string;
  readonly #writes = new Map<string, Promise<void>>();
  #isOver = false;

  constructor(dir: string) {
    this.#dir = dir;
  }

  async put(cid: CID, bytes: Uint8Array): Promise<CID> {
    // After a failure the importer goes on with the blocks that it is hashing.
    if (this.#isOver) throw new Error('the blob is not stored any more');
    const file = blockFile(this.#dir, cid);
    const write = this.#writes.get(file) ?? writeFile(file, bytes);
    this.#writes.set(file, write);
    await write;
    return cid;
  }

  /**
   * Ends the writing; resolves when no write is in progress. The importer does not wait for the
   * others when one fails.
   */
  async settled(): Promise<void> {
    this.#isOver = true;
    await Promise.allSettled(this.#writes.values());
  }
}

function isWhole(path: string, cid: CID): Promise<boolean> {
  return readBlob(path, cid).then(
    () => true,
    () => false,
  );
}

async function syncTree(dir: string): Promise<void> {
  for (const name of await readdir(dir)) await syncPath(join(dir, name));
  await syncPath(dir);
}

/** Resolves with false if the operation fails with one of these codes. */
async function isRenamed(source: string, target: string, unless: readonly string[]): Promise<boolean> {
  try {
    await rename(source, target);
    return true;
  } catch (error) {
    if (unless.includes(nodeErrorCode(error))) return false;
    throw error;
  }
}
