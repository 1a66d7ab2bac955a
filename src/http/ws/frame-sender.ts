import type { WebSocket } from 'ws';
import type { Namespace } from '../../contract/ids.js';
import { CLOSE } from './close-codes.js';
import { closeByServer } from './server-close.js';
import type { Receiver, UnsentFrames } from './unsent-frames.js';

/**
 * A smaller frame that is sent while no other is pending is passed to the operating system
 * immediately.
 */
const SMALL_BYTES = 16 << 10;
/**
 * Time limit of the closing handshake of a disconnected client; its frames stay in memory until
 * then.
 */
const CLOSE_TIMEOUT_MS = 1000;

export interface FrameSenderOptions {
  /** Namespace against which the memory counts. */
  namespace: Namespace;
  unsent: UnsentFrames;
  /** A client with more unread bytes than this is disconnected. */
  maxUnsentBytes: number;
}

export interface FrameSender {
  send(frame: string, sent?: () => void): void;
  disconnect(reason: string): void;
}

/**
 * Sends the frames of a socket. Unread frames are in this process's memory, so a client that reads
 * too slowly is disconnected.
 */
export function frameSender(ws: WebSocket, options: FrameSenderOptions): FrameSender {
  const { namespace, unsent, maxUnsentBytes } = options;
  let isDisconnected = false;
  const disconnect = (reason: string) => {
    if (isDisconnected) return;
    isDisconnected = true;
    closeByServer(ws, CLOSE.tryLater, reason, CLOSE_TIMEOUT_MS);
  };
  const receiver: Receiver = {
    namespace,
    unsent: 0,
    disconnect: () => disconnect('messages are not read fast enough'),
  };
  ws.on('close', () => unsent.releaseAll(receiver));

  const send: FrameSender['send'] = (frame, sent) => {
    if (isDisconnected || ws.readyState !== ws.OPEN) return;
    const bytes = Buffer.byteLength(frame);
    if (bytes <= SMALL_BYTES && ws.bufferedAmount === 0) ws.send(frame, { binary: false }, sent);
    else if (ws.bufferedAmount > maxUnsentBytes) {
      unsent.releaseAll(receiver);
      receiver.disconnect();
    } else if (unsent.take(receiver, bytes)) {
      ws.send(frame, { binary: false }, () => {
        unsent.release(receiver, bytes);
        sent?.();
      });
    }
  };
  return { send, disconnect };
}
