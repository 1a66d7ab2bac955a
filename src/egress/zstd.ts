import { Worker } from 'node:worker_threads';
import { IdleWorker } from '../concurrency/idle-worker.js';
import { Serial } from '../concurrency/serial.js';
import { AppError, messageOf } from '../errors.js';
import type { ZstdReply, ZstdRequest } from './zstd-protocol.js';

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

export function openZstd(): Zstd {
  const thread = new IdleWorker<ZstdRequest, ZstdReply>(
    () => new Worker(new URL('./zstd-thread.js', import.meta.url), { env: {} }),
  );
  // One request at a time: this bounds the thread's memory.
  const turns = new Serial();
  let closed = false;

  const ask = async (request: ZstdRequest, signal: AbortSignal): Promise<ZstdReply> => {
    signal.throwIfAborted();
    if (closed) throw new Error('closed');
    const abort = () => void thread.end();
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await thread.call(request);
    } catch (error) {
      await thread.end();
      signal.throwIfAborted();
      throw failed(error);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  };

  const run = async (bytes: Uint8Array, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> => {
    const reply = await ask({ bytes, maxBytes }, signal);
    if (reply.kind === 'decoded') return reply.bytes;
    await thread.end();
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
      await thread.end();
    },
  };
}

/** The thread reports what is wrong with the bytes; this is not their fault. */
function failed(cause: unknown): AppError {
  const sentence = `The response could not be decoded: its thread failed (${messageOf(cause)})`;
  return new AppError('unavailable', sentence, { cause });
}
