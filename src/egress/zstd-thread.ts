import { parentPort } from 'node:worker_threads';
import { ZSTDDecoder } from 'zstddec/stream';
import type { Numbered } from '../concurrency/idle-worker.js';
import type { ZstdReply, ZstdRequest } from './zstd-protocol.js';

/**
 * Maximum number of consecutive frames without content, each of which yields an empty part. After
 * an error, the decoder yields empty parts forever.
 */
const MAX_EMPTY_PARTS = 1000;

if (parentPort === null) throw new Error('zstd-thread.ts is the body of a worker thread');
const port = parentPort;
const decoder = new ZSTDDecoder();
await decoder.init();

port.on('message', ({ id, message: { bytes, maxBytes } }: Numbered<ZstdRequest>) => {
  const message = decode(bytes, maxBytes);
  const transfer = message.kind === 'decoded' ? [message.bytes.buffer as ArrayBuffer] : [];
  port.postMessage({ id, message } satisfies Numbered<ZstdReply>, transfer);
});

function decode(bytes: Uint8Array, maxBytes: number): ZstdReply {
  const parts: Uint8Array[] = [];
  let size = 0;
  let empty = 0;
  try {
    for (const part of decoder.decodeStreaming([bytes])) {
      size += part.byteLength;
      empty = part.byteLength === 0 ? empty + 1 : 0;
      if (size > maxBytes) return { kind: 'too-large' };
      if (empty > MAX_EMPTY_PARTS) return { kind: 'corrupt', message: 'no progress' };
      if (part.byteLength > 0) parts.push(part);
    }
  } catch (error) {
    return { kind: 'corrupt', message: error instanceof Error ? error.message : String(error) };
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return { kind: 'decoded', bytes: whole };
}
