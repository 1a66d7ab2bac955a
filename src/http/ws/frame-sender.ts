import type { WebSocket } from 'ws';
import type { Namespace } from '../../contract/ids.js';
import { CLOSE } from './close-codes.js';
import type { Receiver, UnsentFrames } from './unsent-frames.js';

/** A frame of less that is sent while no other waits is with the operating system at once. */
const SMALL_BYTES = 16 << 10;
/** How long a client that was let go may take to say goodbye; its frames are in memory until then. */
const GOODBYE_MS = 1000;

export interface FrameSenderOptions {
  /** Whose memory it is. */
  namespace: Namespace;
  unsent: UnsentFrames;
  /** A client that has not taken so many bytes is let go. */
  maxUnsentBytes: number;
}

export type SendFrame = (frame: string, sent?: () => void) => void;

/**
 * Sends the frames of a socket. What its client has not taken is in this process's memory, so one
 * that is too slow is let go.
 */
export function frameSender(ws: WebSocket, options: FrameSenderOptions): SendFrame {
  const { namespace, unsent, maxUnsentBytes } = options;
  let isLetGo = false;
  const receiver: Receiver = {
    namespace,
    unsent: 0,
    letGo() {
      isLetGo = true;
      ws.close(CLOSE.tryLater, 'messages are not taken fast enough');
      setTimeout(() => ws.terminate(), GOODBYE_MS).unref();
    },
  };
  ws.on('close', () => unsent.forget(receiver));

  return (frame, sent) => {
    if (isLetGo || ws.readyState !== ws.OPEN) return;
    const bytes = frame.length;
    if (bytes <= SMALL_BYTES && ws.bufferedAmount === 0) ws.send(frame, { binary: false }, sent);
    else if (ws.bufferedAmount > maxUnsentBytes) {
      unsent.forget(receiver);
      receiver.letGo();
    } else if (unsent.take(receiver, bytes)) {
      ws.send(frame, { binary: false }, () => {
        unsent.give(receiver, bytes);
        sent?.();
      });
    }
  };
}
