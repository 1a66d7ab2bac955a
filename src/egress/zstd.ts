import { Worker } from 'node:worker_threads';
import { Serial } from '../concurrency/serial.js';
import { AppError, messageOf } from '../errors.js';
import type { ZstdReply, ZstdRequest } from './zstd-protocol.js';

/** The thread ends after being idle for this long. */
const IDLE_MS = 10_000;

/**
 * Decodes zstd, which Node 20 does not support, in a worker thread. A window may take 128 MB, which
 * WebAssembly memory never returns, and the decoder leaks its input after a failure. The thread
 * therefore ends after a failure and when it is idle.
 */
export interface Zstd {
  /**
   * Decodes the bytes. Rejects with code `ERR_BUFFER_TOO_LARGE`, as zlib does, if the output
   * exceeds `maxBytes`, and with an `AbortError` if the signal is aborted.
   */
  decode(bytes: Uint8Array, maxBytes: number, signal: AbortSignal): Promise<Uint8Array>;
  close(): Promise<void>;
}

export function createZstd(): Zstd {
  let thread: Worker | null = null;
  let idle: NodeJS.Timeout | undefined;
  let closed = false;
  // One request at a time: this bounds the thread's memory and makes replies unambiguous.
  const turns = new Serial();

  const end = async () => {
    const ending = thread;
    thread = null;
    await ending?.terminate();
  };

  const start = (): Worker => {
    try {
      thread ??= new Worker(new URL('./zstd-thread.js', import.meta.url), { env: {} });
      return thread;
    } catch (error) {
      // The system refuses further threads.
      throw failed(error);
    }
  };

  const ask = async (request: ZstdRequest, signal: AbortSignal): Promise<ZstdReply> => {
    signal.throwIfAborted();
    if (closed) throw new Error('closed');
    clearTimeout(idle);
    const worker = start();
    worker.ref();
    try {
      return await new Promise<ZstdReply>((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', (error) => reject(failed(error)));
        worker.once('exit', () => reject(failed(new Error('it ended'))));
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        worker.postMessage(request);
      });
    } catch (error) {
      await end();
      throw error;
    } finally {
      worker.removeAllListeners();
      worker.unref();
      idle = setTimeout(() => void end(), IDLE_MS).unref();
    }
  };

  const run = async (bytes: Uint8Array, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> => {
    const reply = await ask({ bytes, maxBytes }, signal);
    if (reply.kind === 'decoded') return reply.bytes;
    await end();
    const message = reply.kind === 'corrupt' ? reply.message : 'too large';
    throw Object.assign(
      new Error(message),
      reply.kind === 'too-large' ? { code: 'ERR_BUFFER_TOO_LARGE' } : {},
    );
  };

  return {
    decode(bytes, maxBytes, signal) {
      return turns.run(() => run(bytes, maxBytes, signal));
    },
    async close() {
      closed = true;
      clearTimeout(idle);
      await end();
    },
  };
}

/** The thread reports what is wrong with the bytes; this is not their fault. */
function failed(cause: unknown): AppError {
  const sentence = `The response could not be decoded: its thread failed (${messageOf(cause)})`;
  return new AppError('unavailable', sentence, { cause });
}
