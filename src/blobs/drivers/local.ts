import { access, constants, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { IdleWorker } from '../../concurrency/idle-worker.js';
import { HOUR_MS } from '../../contract/limits.js';
import { AppError } from '../../errors.js';
import { fileReason } from '../../files/file-reason.js';
import type { Blobs } from '../../ports/blobs.js';
import { hasBlob } from './local-blob.js';
import { type LocalReply, type LocalRequest, type LocalStore, STAGING } from './local-protocol.js';

export interface LocalBlobsOptions {
  /** May be shared by several processes of one machine. */
  dir: string;
}

/** Staging directories older than this belong to a put that was killed. */
const STALE_STAGING_MS = HOUR_MS;

/**
 * Opens a blob store in a directory; see local-store.ts, which runs in a separate thread. Each
 * block of a blob is hashed, written and synced separately, which takes a hundred turns of the
 * event loop for a module of 3 MB. On the main thread of a busy engine, a deploy would take
 * seconds.
 */
export async function openLocalBlobs({ dir }: LocalBlobsOptions): Promise<Blobs> {
  const staging = join(dir, STAGING);
  try {
    await mkdir(staging, { recursive: true });
    await access(dir, constants.R_OK | constants.W_OK);
    await sweepStaging(staging);
  } catch (cause) {
    throw new AppError('bad_config', `The blob directory ${dir} cannot be used: ${fileReason(cause)}`, {
      cause,
    });
  }
  const thread = new IdleWorker<LocalRequest, LocalReply>(() => {
    const script = new URL('./local-thread.js', import.meta.url);
    return new Worker(script, { workerData: { dir }, env: {}, execArgv: [] });
  });
  const call = async (operation: keyof LocalStore, argument: Uint8Array | string) => {
    // Copied, because transferring a view would detach its whole buffer.
    const own = typeof argument === 'string' ? argument : new Uint8Array(argument);
    const transfer = typeof own === 'string' ? [] : [own.buffer];
    const reply = await thread.call({ operation, argument: own }, transfer).catch((cause) => {
      throw unusable(cause);
    });
    if (reply.kind === 'done') return reply.result;
    throw errorOf(reply);
  };
  return {
    driver: 'local',
    cidOf: async (bytes) => String(await call('cidOf', bytes)),
    put: async (bytes) => String(await call('put', bytes)),
    async get(cid) {
      const bytes = await call('get', cid);
      return bytes instanceof Uint8Array ? bytes : new Uint8Array();
    },
    async delete(cid) {
      await call('delete', cid);
    },
    has: (cid) => hasBlob(dir, cid),
    nodes: async () => [],
    async ping() {
      try {
        await access(dir, constants.R_OK | constants.W_OK);
      } catch (cause) {
        const sentence = `The directory of the storage cannot be read and written: ${fileReason(cause)}.`;
        throw new AppError('unavailable', sentence, { cause });
      }
    },
    close: () => thread.close(),
  };
}

function unusable(cause: unknown): AppError {
  return new AppError('unavailable', 'The storage could not be used; try again in a moment.', { cause });
}

function errorOf(reply: Exclude<LocalReply, { kind: 'done' }>): Error {
  if (reply.kind === 'failed') return new Error(reply.message);
  const { code, message, cause } = reply;
  return new AppError(code, message, cause === undefined ? {} : { cause: new Error(cause) });
}

/**
 * Removes staging directories that killed processes left behind. Recent ones are kept, because
 * another process may be writing to them.
 */
async function sweepStaging(staging: string): Promise<void> {
  const stale = Date.now() - STALE_STAGING_MS;
  for (const name of await readdir(staging)) {
    const path = join(staging, name);
    const found = await stat(path).catch(() => null);
    if (found !== null && found.mtimeMs < stale) await rm(path, { recursive: true, force: true });
  }
}
