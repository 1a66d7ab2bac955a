import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { BufferReservation } from '../../concurrency/buffer-budget.js';

/** The header and mask of a control frame from a client (RFC 6455 §5.2, §5.5). */
const CONTROL_FRAME_BYTES = 6;
/**
 * Memory of a fragment beside its bytes: a buffer, and one for what was read from the connection if
 * it holds nothing else. 200 to 300 bytes were measured.
 */
const FRAGMENT_BYTES = 300;

/** A socket of `ws` with the fragments of the unfinished message, which `ws` does not document. */
type ReceivingSocket = WebSocket & { _receiver?: { _fragments?: readonly unknown[] } };

/**
 * Accounts the part of a message that a client has sent so far: `ws` keeps it until the message is
 * complete, and does not tell how large it is. It is what was read from the connection since the
 * message began. That includes control frames: a fragment is a view of all that was read with it.
 */
export class UnfinishedMessage {
  readonly #ws: ReceivingSocket;
  readonly #connection: Socket;
  readonly #reservation: BufferReservation;
  readonly #onExceeded: () => void;
  /** The number of bytes that were read from the connection before the message. */
  #before: number;
  /** The number of bytes read since then that are those of control frames. */
  #control = 0;
  /** The number of bytes of the message itself. */
  #bytes = 0;
  #accounted = 0;
  #isExceeded = false;
  /** Monotonic time at which the message last grew, in milliseconds. */
  #grownAt = 0;

  /** @param onExceeded Called once if the bytes exceed the budget of `reservation`. */
  constructor(ws: WebSocket, connection: Socket, reservation: BufferReservation, onExceeded: () => void) {
    this.#ws = ws;
    this.#connection = connection;
    this.#reservation = reservation;
    this.#onExceeded = onExceeded;
    this.#before = connection.bytesRead;
    const onControlFrame = (data: Buffer) => {
      this.#control += CONTROL_FRAME_BYTES + data.length;
    };
    ws.on('ping', onControlFrame);
    ws.on('pong', onControlFrame);
    ws.on('message', () => this.#end());
    ws.on('close', () => this.#reservation.release());
    // After the listener of `ws`, which emits the messages of a chunk before this is called.
    connection.on('data', (chunk: Buffer) => this.#update(chunk));
  }

  /** How long the message has not grown, in milliseconds; 0 if there is none. */
  idleMs(now: number): number {
    return this.#bytes === 0 ? 0 : now - this.#grownAt;
  }

  /** Restarts the idle time, for a socket that the engine does not read at the moment. */
  touch(now: number): void {
    this.#grownAt = now;
  }

  #update(chunk: Buffer): void {
    if (this.#isExceeded) return;
    const { bytesRead } = this.#connection;
    const fragments = this.#ws._receiver?._fragments?.length ?? 0;
    // A chunk may hold the end of one message and the beginning of the next.
    if (fragments > 0) this.#before = Math.min(this.#before, bytesRead - chunk.byteLength);
    const read = bytesRead - this.#before;
    const bytes = Math.max(fragments, read - this.#control);
    if (bytes === 0) {
      this.#end();
      return;
    }
    if (bytes > this.#bytes) this.#grownAt = performance.now();
    this.#bytes = bytes;
    this.#account(read + FRAGMENT_BYTES * fragments);
  }

  #account(bytes: number): void {
    if (bytes <= this.#accounted) return;
    this.#isExceeded = !this.#reservation.take(bytes - this.#accounted);
    this.#accounted = bytes;
    if (this.#isExceeded) this.#onExceeded();
  }

  /** Also drops the beginning of a control frame, which counts until the frame is complete. */
  #end(): void {
    this.#before = this.#connection.bytesRead;
    this.#control = 0;
    this.#bytes = 0;
    if (this.#accounted === 0) return;
    this.#accounted = 0;
    this.#reservation.release();
  }
}
