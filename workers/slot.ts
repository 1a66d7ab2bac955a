import type { LogMessage } from '../src/contract/invocation.js';
import { SLOT, SLOT_BYTES, type SlotBuffers, STARTED_AT } from './protocol.js';
import { LOG_BUFFER_BYTES, LogReader } from './protocol-log.js';

const MAX_TICKET = 2 ** 31 - 1;

/** The main thread's end of a slot: what a guest thread and it share about one invocation. */
export class Slot {
  readonly index: number;
  readonly buffers: SlotBuffers = {
    control: new SharedArrayBuffer(SLOT_BYTES),
    log: new SharedArrayBuffer(LOG_BUFFER_BYTES),
  };
  readonly #words = new Int32Array(this.buffers.control);
  readonly #times = new Float64Array(this.buffers.control);
  readonly #log = new LogReader(this.buffers.log, {
    words: this.#words,
    committed: SLOT.logCommitted,
    pending: SLOT.logPending,
  });

  #ticket = 0;

  constructor(index: number) {
    this.index = index;
  }

  /** Makes it ready for an invocation, which the thread may begin from now on with this ticket. */
  open(): number {
    this.#ticket = this.#ticket === MAX_TICKET ? 1 : this.#ticket + 1;
    this.#times[STARTED_AT] = 0;
    this.#log.begin();
    Atomics.store(this.#words, SLOT.ticket, this.#ticket);
    return this.#ticket;
  }

  /** Whether it was in time: then the thread will leave that invocation out. */
  takeBack(): boolean {
    return Atomics.compareExchange(this.#words, SLOT.ticket, this.#ticket, 0) === this.#ticket;
  }

  /** When the guest began to compute, in milliseconds since 1970; null while it has not. */
  get startedAt(): number | null {
    const at = this.#times[STARTED_AT] ?? 0;
    return at === 0 ? null : at;
  }

  /** Memory as of the guest's last call out. */
  get memoryMb(): number {
    return Atomics.load(this.#words, SLOT.pages) / 16;
  }

  /** Log lines since the last look. */
  newLines(): LogMessage[] {
    Atomics.store(this.#words, SLOT.logAnnounced, 0);
    return this.#log.next();
  }

  /** What a killed guest had printed of its last line. */
  unfinishedLine(): LogMessage[] {
    return this.#log.unfinished();
  }
}
