import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { BufferReservation } from '../../concurrency/buffer-budget.js';

/** The header and mask of a control frame from a client (RFC 6455 §5.2, §5.5). */
const CONTROL_FRAME_BYTES = 6;

/**
 * Accounts the part of a message that a client has sent so far: `ws` keeps it until the message is
 * complete, and does not tell how large it is. It is what was read from the connection since the
 * last complete message, without control frames.
 */
export class UnfinishedMessage {
  readonly #connection: Socket;
  readonly #reservation: BufferReservation;
  readonly #onExceeded: () => void;
  /** The number of bytes read from the connection that belong to complete messages. */
  #complete: number;
  #bytes = 0;
  #isExceeded = false;
  /** Monotonic time at which the message last grew, in milliseconds. */
  #grownAt = 0;

  /** @param onExceeded Called once if the bytes exceed the budget of `reservation`. */
  constructor(ws: WebSocket, connection: Socket, reservation: BufferReservation, onExceeded: () => void) {
    this.#connection = connection;
    this.#reservation = reservation;
    this.#onExceeded = onExceeded;
    this.#complete = connection.bytesRead;
    const onControlFrame = (data: Buffer) => {
      this.#complete += CONTROL_FRAME_BYTES + data.length;
    };
    ws.on('ping', onControlFrame);
    ws.on('pong', onControlFrame);
    ws.on('message', () => this.#end());
    ws.on('close', () => this.#reservation.release());
    // After the listener of `ws`, which emits the messages of a chunk before this is called.
    connection.on('data', () => this.#update());
  }

  /** How long the message has not grown, in milliseconds; 0 if there is none. */
  idleMs(now: number): number {
    return this.#bytes === 0 ? 0 : now - this.#grownAt;
  }

  /** Restarts the idle time, for a socket that the engine does not read at the moment. */
  touch(now: number): void {
    this.#grownAt = now;
  }

  #update(): void {
    const bytes = Math.max(0, this.#connection.bytesRead - this.#complete);
    if (bytes === this.#bytes || this.#isExceeded) return;
    if (bytes > this.#bytes) this.#grownAt = performance.now();
    else this.#drop();
    this.#isExceeded = !this.#reservation.take(bytes - this.#bytes);
    this.#bytes = bytes;
    if (this.#isExceeded) this.#onExceeded();
  }

  #end(): void {
    this.#complete = this.#connection.bytesRead;
    this.#drop();
  }

  /** Also drops the beginning of a control frame, which counts until the frame is complete. */
  #drop(): void {
    if (this.#bytes === 0) return;
    this.#bytes = 0;
    this.#reservation.release();
  }
}
