import type { LogMessage } from '../../src/contract/invocation.js';
import {
  DATA_BYTES,
  type IdleReport,
  type Job,
  type JobResult,
  NUMBER,
  SHARED_BYTES,
  SLOT,
  SLOT_BYTES,
  SLOTS,
  type SlotBuffers,
  STATE,
} from './protocol.js';
import { LogReader } from './shared-log.js';
import { readIdleReport, readResult, type SlotView, viewOf, writeJob } from './slot-codec.js';

const SLOT_SHARE = Math.floor(SHARED_BYTES / SLOTS);

/** The main thread's end of a slot: what a guest thread and it share about one invocation. */
export class Slot {
  readonly index: number;
  readonly buffers: SlotBuffers;
  readonly #view: SlotView;
  readonly #words: Int32Array;
  readonly #log: LogReader;
  #generation = 0;

  /** `shared` is that of all slots of its thread. */
  constructor(index: number, shared: SharedArrayBuffer) {
    this.index = index;
    this.buffers = {
      control: new SharedArrayBuffer(SLOT_BYTES),
      shared,
      dataOffset: index * SLOT_SHARE,
      logOffset: index * SLOT_SHARE + DATA_BYTES,
    };
    this.#view = viewOf(this.buffers);
    this.#words = this.#view.words;
    const cursor = { words: this.#words, committed: SLOT.logCommitted, pending: SLOT.logPending };
    this.#log = new LogReader({ buffer: shared, at: this.buffers.logOffset }, cursor);
  }

  /**
   * Makes it ready for an invocation. False when the job is too large to lie here and has to be
   * posted.
   */
  fill(program: number, job: Job): boolean {
    this.#words[SLOT.program] = program;
    this.#words[SLOT.state] = STATE.open;
    this.#view.numbers[NUMBER.startedAt] = 0;
    this.#log.begin();
    return writeJob(this.#view, job);
  }

  /** The thread may begin what is in it from now on, with this generation. */
  open(generation: number): void {
    this.#generation = generation;
    Atomics.store(this.#words, SLOT.generation, generation);
  }

  /** Whether it was in time: then the thread will leave that invocation out. */
  withdraw(): boolean {
    return Atomics.compareExchange(this.#words, SLOT.generation, this.#generation, 0) === this.#generation;
  }

  /** The guest has ended by itself. */
  get isDone(): boolean {
    return Atomics.load(this.#words, SLOT.state) !== STATE.open;
  }

  /** What the thread says when it has cleaned up after the guest; null while it has not. */
  get idle(): IdleReport | null {
    return Atomics.load(this.#words, SLOT.state) === STATE.idle ? readIdleReport(this.#view) : null;
  }

  /**
   * Of a guest that has ended by itself; `posted` gives an output that is too large to lie here.
   */
  result(posted: () => Uint8Array): JobResult {
    return readResult(this.#view, posted);
  }

  /** When the guest began to compute, in milliseconds since 1970; null while it has not. */
  get startedAt(): number | null {
    const at = this.#view.numbers[NUMBER.startedAt] ?? 0;
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
