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
import { steadyMs } from './steady-clock.js';

/**
 * Views of a slot: the memory of one run, which the main thread shares with a guest thread. The
 * main thread's side is `Slot`, which writes the job and reads the result; the guest thread's side
 * are the functions that read the job and write the result.
 *
 * The job's texts and input come first; when the run has ended, its texts and output replace them.
 * Lengths are written every time and tell which bytes are valid, so bytes of earlier jobs are never
 * read. Data is written before the word that publishes it is stored (`SLOT.generation`,
 * `SLOT.state`), and read after that word is loaded.
 */
export interface SlotView {
  words: Int32Array;
  numbers: Float64Array;
  data: Buffer;
}

const SLOT_SHARE = Math.floor(SHARED_BYTES / SLOTS);
const POSTED = -1;
/** The limit of a guest's error message: a trap's message may contain names from the module. */
const MAX_ERROR_LENGTH = 4096;
/** The largest number of UTF-8 bytes per UTF-16 code unit. */
const MAX_BYTES_PER_UNIT = 3;

/** The texts of a job. */
type Texts = [string, string, string, GuestJob['env'], string];
/** The error and the response of a result. */
type ResultTexts = [string | null, string | null];

const LOST = {
  output: new Uint8Array(0),
  error: "the function's thread failed: its output did not arrive",
  response: null,
  exitCode: null,
} satisfies Partial<JobResult>;

/** The main thread's side of a slot. */
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
    return this.#write(job);
  }

  #write(job: GuestJob): boolean {
    const { words, data } = this.#view;
    const { functionName, requestId, callerWallet, env, httpRequest = '' } = job;
    const texts = JSON.stringify([functionName, requestId, callerWallet, env, httpRequest] satisfies Texts);
    if (texts.length * MAX_BYTES_PER_UNIT + job.input.length > DATA_BYTES) {
      words[SLOT.textLength] = POSTED;
      return false;
    }
    const length = data.write(texts);
    data.set(job.input, length);
    words[SLOT.textLength] = length;
    words[SLOT.inputLength] = job.input.length;
    return true;
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
    if (Atomics.load(this.#words, SLOT.state) !== STATE.idle) return null;
    const { numbers } = this.#view;
    return { keptBytes: numbers[NUMBER.keptBytes] ?? 0, busyMs: numbers[NUMBER.busyMs] ?? 0 };
  }

  /**
   * Returns the result of a guest that ended by itself. `posted` returns the part of it that was
   * too large for the slot, or null when that was lost with the thread: the result is then an
   * error, because the slot contains other data.
   */
  result(posted: () => PostedResult | null): JobResult {
    const { words, numbers, data } = this.#view;
    const length = words[SLOT.outputLength] ?? 0;
    const textLength = words[SLOT.resultTextLength] ?? 0;
    const rest = length === POSTED ? posted() : null;
    const figures = {
      memoryPeakMb: (words[SLOT.pages] ?? 0) / WASM_PAGES_PER_MB,
      durationMs: numbers[NUMBER.durationMs] ?? 0,
      warm: words[SLOT.warm] === 1,
      unstarted: words[SLOT.unstarted] === 1,
    };
    if (length === POSTED && rest === null) return { ...LOST, ...figures };
    const texts = rest?.texts ?? data.toString('utf8', 0, textLength);
    const [error, response] = texts === '' ? [null, null] : (JSON.parse(texts) as ResultTexts);
    return {
      // Copied, because the next run's job overwrites it.
      output: rest?.output ?? new Uint8Array(data.subarray(textLength, textLength + length)),
      error,
      response,
      exitCode: words[SLOT.exited] === 1 ? (words[SLOT.exitCode] ?? 0) : null,
      ...figures,
    };
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

/** Returns typed views of a slot's buffers. */
export function viewOf({ control, shared, dataOffset: dataAt }: SlotBuffers): SlotView {
  return {
    words: new Int32Array(control),
    numbers: new Float64Array(control),
    data: Buffer.from(shared, dataAt, DATA_BYTES),
  };
}

/**
 * Reads a slot's job; null when it was posted. The input is a view that is valid until the result
 * is written.
 */
export function readJob({ words, data }: SlotView): GuestJob | null {
  const length = words[SLOT.textLength] ?? POSTED;
  if (length === POSTED) return null;
  const [functionName, requestId, callerWallet, env, httpRequest] = JSON.parse(
    data.toString('utf8', 0, length),
  ) as Texts;
  const input = data.subarray(length, length + (words[SLOT.inputLength] ?? 0));
  return { functionName, requestId, callerWallet, env, httpRequest, input };
}

/**
 * Writes the result of a slot's job. Returns the part that is too large for the slot and must be
 * posted, or null.
 */
export function writeResult({ words, numbers, data }: SlotView, result: JobResult): PostedResult | null {
  const { output, response } = result;
  const error = result.error?.slice(0, MAX_ERROR_LENGTH) ?? null;
  const texts = error === null && response === null ? '' : JSON.stringify([error, response]);
  const textLength = Buffer.byteLength(texts);
  const textsFit = textLength <= DATA_BYTES;
  const outputFits = textsFit && textLength + output.length <= DATA_BYTES;
  if (textsFit) data.write(texts);
  if (outputFits) data.set(output, textLength);
  words[SLOT.outputLength] = outputFits ? output.length : POSTED;
  words[SLOT.resultTextLength] = textsFit ? textLength : POSTED;
  words[SLOT.exited] = result.exitCode === null ? 0 : 1;
  words[SLOT.exitCode] = result.exitCode ?? 0;
  words[SLOT.warm] = result.warm ? 1 : 0;
  words[SLOT.unstarted] = result.unstarted ? 1 : 0;
  words[SLOT.pages] = result.memoryPeakMb * WASM_PAGES_PER_MB;
  numbers[NUMBER.durationMs] = result.durationMs;
  return outputFits ? null : { output, texts: textsFit ? null : texts };
}

/** Writes what the thread reports when it has reset the instance. */
export function writeIdleReport({ numbers }: SlotView, { keptBytes, busyMs }: IdleReport): void {
  numbers[NUMBER.keptBytes] = keptBytes;
  numbers[NUMBER.busyMs] = busyMs;
}

/** Returns the generation after `generation`. Generations wrap around and are never 0. */
export function nextGeneration(generation: number): number {
  return (generation + 1) | 0 || 1;
}

/** Returns whether `generation` is `other` or was assigned before it. */
export function isAtOrBefore(generation: number, other: number): boolean {
  return ((other - generation) | 0) >= 0;
}
