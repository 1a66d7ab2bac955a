import { access, constants, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { AppError } from '../../errors.js';
import { fileReason } from '../../file-reason.js';
import type { Blobs } from '../../ports/blobs.js';
import { parseCid } from '../unixfs.js';
import { type LocalReply, type LocalRequest, type LocalStore, STAGING } from './local-protocol.js';

export interface LocalBlobsOptions {
  /** May be shared by several processes of one machine. */
  dir: string;
}

/** A put that has not ended after this long has died. */
const STALE_STAGING_MS = 60 * 60_000;
/** The thread ends when nothing has come for it for so long. */
const IDLE_MS = 10_000;

/**
 * Blobs in a directory: see local-store.ts, which works in a thread of its own. Each block of a blob
 * is hashed, written and synced by itself, which takes a hundred turns of an event loop for a module
 * of 3 MB: on the main thread of a busy engine a deploy would wait for seconds.
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
    cidOf: async (bytes) => String(await thread.ask('cidOf', bytes)),
    put: async (bytes) => String(await thread.ask('put', bytes)),
    async get(cid) {
      const bytes = await thread.ask('get', cid);
      return bytes instanceof Uint8Array ? bytes : new Uint8Array();
    },
    async delete(cid) {
      await thread.ask('delete', cid);
    },
    async has(text) {
      const cid = parseCid(text);
      if (cid === null) return false;
      return stat(join(dir, cid.toString())).then(
        (found) => found.isDirectory(),
        () => false,
      );
    },
    nodes: async () => [],
    async ping() {
      try {
        await access(dir, constants.R_OK | constants.W_OK);
      } catch (cause) {
        throw new AppError('unavailable', 'The directory of the storage cannot be read and written.', {
          cause,
        });
      }
    },
    close: () => thread.close(),
  };
}

type Result = Uint8Array | string | undefined;

interface Asked {
  resolve(result: Result): void;
  reject(error: Error): void;
}

/** The thread, started when there is something to do. */
class StoreThread {
  readonly #dir: string;
  readonly #asked = new Map<number, Asked>();
  #worker: Worker | null = null;
  #idle: NodeJS.Timeout | undefined;
  #lastId = 0;
  #whenIdle: (() => void) | undefined;

  constructor(dir: string) {
    this.#dir = dir;
  }

  ask(operation: keyof LocalStore, argument: Uint8Array | string): Promise<Result> {
    clearTimeout(this.#idle);
    const worker = this.#started();
    worker.ref();
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject });
      if (typeof argument === 'string') {
        worker.postMessage({ id, operation, argument } satisfies LocalRequest);
        return;
      }
      // A view would bring the whole of its buffer with it, or share it.
      const own = new Uint8Array(argument);
      worker.postMessage({ id, operation, argument: own } satisfies LocalRequest, [own.buffer]);
    });
  }

  /** What is under way comes to its end. */
  async close(): Promise<void> {
    clearTimeout(this.#idle);
    if (this.#asked.size > 0) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    }
    await this.#end();
  }

  #started(): Worker {
    if (this.#worker !== null) return this.#worker;
    const worker = new Worker(new URL('./local-thread.js', import.meta.url), {
      workerData: { dir: this.#dir },
      env: {},
      execArgv: [],
    });
    this.#worker = worker;
    worker.on('message', (reply: LocalReply) => this.#heard(reply));
    worker.on('error', (error) => this.#failed(worker, error));
    worker.on('exit', () => this.#failed(worker, new Error('its thread has ended')));
    return worker;
  }

  #heard(reply: LocalReply): void {
    const asked = this.#asked.get(reply.id);
    this.#asked.delete(reply.id);
    if (reply.kind === 'done') asked?.resolve(reply.result);
    else asked?.reject(errorOf(reply));
    this.#rest();
  }

  #failed(worker: Worker, cause: Error): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    const message = 'The storage could not be used; try again in a moment.';
    for (const { reject } of this.#asked.values()) reject(new AppError('unavailable', message, { cause }));
    this.#asked.clear();
    this.#rest();
  }

  #rest(): void {
    if (this.#asked.size > 0) return;
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

function errorOf(reply: Exclude<LocalReply, { kind: 'done' }>): Error {
  if (reply.kind === 'failed') return new Error(reply.message);
  const { code, message, cause } = reply;
  return new AppError(code, message, cause === undefined ? {} : { cause: new Error(cause) });
}

/** What a killed process left behind; a put of another process may be under way beside it. */
async function sweepStaging(staging: string): Promise<void> {
  const stale = Date.now() - STALE_STAGING_MS;
  for (const name of await readdir(staging)) {
    const path = join(staging, name);
    const found = await stat(path).catch(() => null);
    if (found !== null && found.mtimeMs < stale) await rm(path, { recursive: true, force: true });
  }
}
