import type { WebSocket } from 'ws';
import type { Namespace } from '../../contract/ids.js';
import { CLOSE } from './close-codes.js';
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

export type SendFrame = (frame: string, sent?: () => void) => void;

/**
 * Sends the frames of a socket. Unread frames are in this process's memory, so a client that reads
 * too slowly is disconnected.
 */
export function frameSender(ws: WebSocket, options: FrameSenderOptions): SendFrame {
  const { namespace, unsent, maxUnsentBytes } = options;
  let isDisconnected = false;
  const receiver: Receiver = {
    namespace,
    unsent: 0,
    disconnect() {
      isDisconnected = true;
      ws.close(CLOSE.tryLater, 'messages are not read fast enough');
      setTimeout(() => ws.terminate(), CLOSE_TIMEOUT_MS).unref();
    },
  };
  ws.on('close', () => unsent.forget(receiver));

  return (frame, sent) => {
    if (isDisconnected || ws.readyState !== ws.OPEN) return;
    const bytes = Buffer.byteLength(frame);
    if (bytes <= SMALL_BYTES && ws.bufferedAmount === 0) ws.send(frame, { binary: false }, sent);
    else if (ws.bufferedAmount > maxUnsentBytes) {
      unsent.forget(receiver);
      receiver.disconnect();
    } else if (unsent.take(receiver, bytes)) {
      ws.send(frame, { binary: false }, () => {
        unsent.give(receiver, bytes);
        sent?.();
      });
    }
  };
}
