import { WASM_PAGES_PER_MB } from '../../src/contract/limits.js';
import {
  DATA_BYTES,
  type GuestJob,
  type IdleReport,
  type JobResult,
  NUMBER,
  type PostedResult,
  SLOT,
  type SlotBuffers,
} from './protocol.js';

/**
 * The encoding of a job and its result in a slot. The job's texts and input come first; when the
 * run has ended, its texts and output replace them. Lengths are written every time and tell which
 * bytes are valid, so bytes of earlier jobs are never read. Data is written before the word that
 * publishes it is stored (`SLOT.generation`, `SLOT.state`), and read after that word is loaded.
 */
export interface SlotView {
  words: Int32Array;
  numbers: Float64Array;
  data: Buffer;
}

const POSTED = -1;
/** The limit of a guest's error message: a trap's message may contain names from the module. */
const MAX_ERROR_LENGTH = 4096;
/** The largest number of UTF-8 bytes per UTF-16 code unit. */
const MAX_BYTES_PER_UNIT = 3;

type Texts = [string, string, string, GuestJob['env'], string];
/** The error and the response of a result. */
type ResultTexts = [string | null, string | null];

const LOST = {
  output: new Uint8Array(0),
  error: "the function's thread failed: its output did not arrive",
  response: null,
  exitCode: null,
} satisfies Partial<JobResult>;

/** Creates typed views of a slot's buffers. */
export function viewOf({ control, shared, dataOffset: dataAt }: SlotBuffers): SlotView {
  return {
    words: new Int32Array(control),
    numbers: new Float64Array(control),
    data: Buffer.from(shared, dataAt, DATA_BYTES),
  };
}

/** Writes a job. Returns false when the job is too large and must be posted. */
export function writeJob({ words, data }: SlotView, job: GuestJob): boolean {
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

/**
 * Reads a job; null when it was posted. The input is a view that is valid until the result is
 * written.
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

/** Writes a result. Returns the part that is too large for the slot and must be posted, or null. */
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

/**
 * Reads a result. `posted` returns the part that was too large for the slot, or null when that was
 * lost with the thread: the result is then an error, because the slot contains other data.
 */
export function readResult({ words, numbers, data }: SlotView, posted: () => PostedResult | null): JobResult {
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

export function writeIdleReport({ numbers }: SlotView, { keptBytes, busyMs }: IdleReport): void {
  numbers[NUMBER.keptBytes] = keptBytes;
  numbers[NUMBER.busyMs] = busyMs;
}

export function readIdleReport({ numbers }: SlotView): IdleReport {
  return { keptBytes: numbers[NUMBER.keptBytes] ?? 0, busyMs: numbers[NUMBER.busyMs] ?? 0 };
}

/** Returns the generation after `generation`. Generations wrap around and are never 0. */
export function nextGeneration(generation: number): number {
  return (generation + 1) | 0 || 1;
}

/** Returns whether `generation` is `other` or was assigned before it. */
export function isAtOrBefore(generation: number, other: number): boolean {
  return ((other - generation) | 0) >= 0;
}
