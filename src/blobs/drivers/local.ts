import { access, constants, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
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
const STALE_STAGING_MS = 60 * 60_000;
/** The idle time after which the thread is stopped. */
const IDLE_MS = 10_000;

/**
 * Opens a blob store in a directory; see local-store.ts, which runs in a separate thread. Each block
 * of a blob is hashed, written and synced separately, which takes a hundred turns of the event loop
 * for a module of 3 MB. On the main thread of a busy engine, a deploy would take seconds.
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
  const thread = new StoreThread(dir);
  return {
    driver: 'local',
    cidOf: async (bytes) => String(await thread.call('cidOf', bytes)),
    put: async (bytes) => String(await thread.call('put', bytes)),
    async get(cid) {
      const bytes = await thread.call('get', cid);
      return bytes instanceof Uint8Array ? bytes : new Uint8Array();
    },
    async delete(cid) {
      await thread.call('delete', cid);
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

type StoreResult = Uint8Array | string | undefined;

interface PendingCall {
  resolve(result: StoreResult): void;
  reject(error: Error): void;
}

/** The main thread's handle of the store's thread, which is started on first use. */
class StoreThread {
  readonly #dir: string;
  readonly #pending = new Map<number, PendingCall>();
  #worker: Worker | null = null;
  #idle: NodeJS.Timeout | undefined;
  #lastId = 0;
  #whenIdle: (() => void) | undefined;

  constructor(dir: string) {
    this.#dir = dir;
  }

  async call(operation: keyof LocalStore, argument: Uint8Array | string): Promise<StoreResult> {
    clearTimeout(this.#idle);
    const worker = this.#start();
    worker.ref();
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      if (typeof argument === 'string') {
        worker.postMessage({ id, operation, argument } satisfies LocalRequest);
        return;
      }
      // Copied, because transferring a view would detach its whole buffer.
      const copy = new Uint8Array(argument);
      worker.postMessage({ id, operation, argument: copy } satisfies LocalRequest, [copy.buffer]);
    });
  }

  /** Waits for pending operations and stops the thread. */
  async close(): Promise<void> {
    clearTimeout(this.#idle);
    if (this.#pending.size > 0) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    }
    await this.#end();
  }

  #start(): Worker {
    if (this.#worker !== null) return this.#worker;
    const worker = newThread(this.#dir);
    this.#worker = worker;
    worker.on('message', (reply: LocalReply) => this.#handleReply(reply));
    worker.on('error', (error) => this.#failed(worker, error));
    worker.on('exit', () => this.#failed(worker, new Error('its thread has ended')));
    return worker;
  }

  #handleReply(reply: LocalReply): void {
    const call = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if (reply.kind === 'done') call?.resolve(reply.result);
    else call?.reject(errorOf(reply));
    this.#stopWhenIdle();
  }

  #failed(worker: Worker, cause: Error): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    for (const { reject } of this.#pending.values()) reject(unusable(cause));
    this.#pending.clear();
    this.#stopWhenIdle();
  }

  #stopWhenIdle(): void {
    if (this.#pending.size > 0) return;
    this.#worker?.unref();
    this.#idle = setTimeout(() => void this.#end(), IDLE_MS).unref();
    this.#whenIdle?.();
  }

  async #end(): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    clearTimeout(this.#idle);
    await worker?.terminate();
  }
}

function newThread(dir: string): Worker {
  try {
    const script = new URL('./local-thread.js', import.meta.url);
    return new Worker(script, { workerData: { dir }, env: {}, execArgv: [] });
  } catch (cause) {
    // The system refuses further threads.
    throw unusable(cause);
  }
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
