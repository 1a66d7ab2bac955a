import type { LogMessage } from '../../src/contract/invocation.js';
import { WASM_PAGES_PER_MB } from '../../src/contract/limits.js';
import {
  DATA_BYTES,
  type GuestJob,
  type IdleReport,
  type JobResult,
  NUMBER,
  type PostedResult,
  SHARED_BYTES,
  SLOT,
  SLOT_BYTES,
  SLOTS,
  type SlotBuffers,
  STATE,
} from './protocol.js';
import { LogReader } from './shared-log.js';
import { readIdleReport, readResult, type SlotView, viewOf, writeJob } from './slot-codec.js';
import { steadyMs } from './steady-clock.js';

const SLOT_SHARE = Math.floor(SHARED_BYTES / SLOTS);

/**
 * The main thread's side of a slot: the memory that it shares with a guest thread for one
 * invocation.
 */
export class Slot {
  readonly index: number;
  readonly buffers: SlotBuffers;
  readonly #view: SlotView;
  readonly #words: Int32Array;
  readonly #log: LogReader;
  #generation = 0;

  /** @param shared The memory shared by all slots of the thread. */
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
   * Resets the slot for an invocation. Nothing of an earlier one can be read from now on, even if
   * this one is stopped before the thread begins it. Returns false when the job does not fit and
   * must be posted.
   */
  fill(program: number, job: GuestJob): boolean {
    this.#words[SLOT.program] = program;
    this.#words[SLOT.state] = STATE.open;
    this.#words[SLOT.pages] = 0;
    this.#log.clear();
    this.#view.numbers[NUMBER.startedAt] = 0;
    this.#view.numbers[NUMBER.begunAt] = 0;
    return writeJob(this.#view, job);
  }

  /** Publishes the slot's job under this generation: the thread may begin it from now on. */
  open(generation: number): void {
    this.#generation = generation;
    Atomics.store(this.#words, SLOT.generation, generation);
  }

  /** Withdraws the job. Returns true when the thread has not begun it; it never will then. */
  withdraw(): boolean {
    return Atomics.compareExchange(this.#words, SLOT.generation, this.#generation, 0) === this.#generation;
  }

  /** Whether the guest has ended by itself. */
  get isDone(): boolean {
    return Atomics.load(this.#words, SLOT.state) !== STATE.open;
  }

  /** The thread's report after it has reset the instance; null before. */
  get idle(): IdleReport | null {
    return Atomics.load(this.#words, SLOT.state) === STATE.idle ? readIdleReport(this.#view) : null;
  }

  /**
   * Returns the result of a guest that ended by itself. `posted` returns the part of it that was too
   * large for the slot, or null when that was lost with the thread.
   */
  result(posted: () => PostedResult | null): JobResult {
    return readResult(this.#view, posted);
  }

  /** When the guest began to compute, in Unix milliseconds; null before. */
  get startedAt(): number | null {
    const at = this.#view.numbers[NUMBER.startedAt] ?? 0;
    return at === 0 ? null : at;
  }

  /** How long ago the guest began to compute, in milliseconds; 0 before. */
  get elapsedMs(): number {
    const at = this.#view.numbers[NUMBER.begunAt] ?? 0;
    return at === 0 ? 0 : steadyMs() - at;
  }

  /** The guest's memory as far as it is known while it runs, in megabytes. */
  get memoryMb(): number {
    return Atomics.load(this.#words, SLOT.pages) / WASM_PAGES_PER_MB;
  }

  /** Returns the lines that the guest has logged so far. */
  logLines(): LogMessage[] {
    return this.#log.lines();
  }

  /** Returns the unfinished line that a killed guest had printed. */
  unfinishedLine(): LogMessage[] {
    return this.#log.unfinished();
  }
}
