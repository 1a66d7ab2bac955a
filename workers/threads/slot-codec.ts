import {
  DATA_BYTES,
  type IdleReport,
  type Job,
  type JobResult,
  NUMBER,
  SLOT,
  type SlotBuffers,
} from './protocol.js';

/**
 * How a job and its result lie in a slot. The job's texts and its input come first; when it has
 * ended, its output or its error takes their place. Lengths say what of the bytes counts, and are
 * written each time: what is left of the job before is never looked at. Written before the word
 * that hands it over is stored (`SLOT.generation`, `SLOT.state`), read after.
 */
export interface SlotView {
  words: Int32Array;
  numbers: Float64Array;
  data: Buffer;
}

const POSTED = -1;
const PAGES_PER_MB = 16;
/** Of a guest's error: a trap's text may hold names of the module. */
const MAX_ERROR_LENGTH = 4096;
/** UTF-8 takes no more for each unit of a string. */
const MOST_BYTES_A_UNIT = 3;

type Texts = [string, string, string, Job['env'], string];
/** Error and response of a result. */
type ResultTexts = [string | null, string | null];

export function viewOf({ control, shared, dataOffset: dataAt }: SlotBuffers): SlotView {
  return {
    words: new Int32Array(control),
    numbers: new Float64Array(control),
    data: Buffer.from(shared, dataAt, DATA_BYTES),
  };
}

/** False when the job is too large and has to be posted. */
export function writeJob({ words, data }: SlotView, job: Job): boolean {
  const { name, requestId, callerWallet, env, httpRequest } = job;
  const texts = JSON.stringify([name, requestId, callerWallet, env, httpRequest] satisfies Texts);
  if (texts.length * MOST_BYTES_A_UNIT + job.input.length > DATA_BYTES) {
    words[SLOT.textLength] = POSTED;
    return false;
  }
  const length = data.write(texts);
  data.set(job.input, length);
  words[SLOT.textLength] = length;
  words[SLOT.inputLength] = job.input.length;
  words[SLOT.live] = job.live ? 1 : 0;
  return true;
}

/** null when it was posted. The input is no copy: it is gone when the result is written. */
export function readJob({ words, data }: SlotView): Job | null {
  const length = words[SLOT.textLength] ?? POSTED;
  if (length === POSTED) return null;
  const [name, requestId, callerWallet, env, httpRequest] = JSON.parse(
    data.toString('utf8', 0, length),
  ) as Texts;
  const input = data.subarray(length, length + (words[SLOT.inputLength] ?? 0));
  return { name, requestId, callerWallet, env, httpRequest, input, live: words[SLOT.live] === 1 };
}

/** False when the output is too large and has to be posted. */
export function writeResult({ words, numbers, data }: SlotView, result: JobResult): boolean {
  const { output, error, response } = result;
  // Bounded: an error is a sentence, and a response has 16 KB of headers at most.
  const textLength = error === null && response === null ? 0 : writeResultTexts(data, [error, response]);
  const fits = textLength + output.length <= DATA_BYTES;
  if (fits) data.set(output, textLength);
  words[SLOT.outputLength] = fits ? output.length : POSTED;
  words[SLOT.resultTextLength] = textLength;
  words[SLOT.exited] = result.exitCode === null ? 0 : 1;
  words[SLOT.exitCode] = result.exitCode ?? 0;
  words[SLOT.warm] = result.warm ? 1 : 0;
  words[SLOT.pages] = result.memoryPeakMb * PAGES_PER_MB;
  numbers[NUMBER.durationMs] = result.durationMs;
  return fits;
}

export function readResult({ words, numbers, data }: SlotView, posted: () => Uint8Array): JobResult {
  const length = words[SLOT.outputLength] ?? 0;
  const textLength = words[SLOT.resultTextLength] ?? 0;
  const [error, response] = readResultTexts(data, textLength);
  return {
    // A copy: the next run's job takes its place.
    output: length === POSTED ? posted() : new Uint8Array(data.subarray(textLength, textLength + length)),
    error,
    response,
    exitCode: words[SLOT.exited] === 1 ? (words[SLOT.exitCode] ?? 0) : null,
    memoryPeakMb: (words[SLOT.pages] ?? 0) / PAGES_PER_MB,
    durationMs: numbers[NUMBER.durationMs] ?? 0,
    warm: words[SLOT.warm] === 1,
  };
}

function writeResultTexts(data: Buffer, [error, response]: ResultTexts): number {
  const cut = error === null ? null : error.slice(0, MAX_ERROR_LENGTH);
  return data.write(JSON.stringify([cut, response] satisfies ResultTexts));
}

function readResultTexts(data: Buffer, length: number): ResultTexts {
  return length === 0 ? [null, null] : (JSON.parse(data.toString('utf8', 0, length)) as ResultTexts);
}

export function writeIdleReport({ numbers }: SlotView, { keptBytes, busyMs }: IdleReport): void {
  numbers[NUMBER.keptBytes] = keptBytes;
  numbers[NUMBER.busyMs] = busyMs;
}

export function readIdleReport({ numbers }: SlotView): IdleReport {
  return { keptBytes: numbers[NUMBER.keptBytes] ?? 0, busyMs: numbers[NUMBER.busyMs] ?? 0 };
}

/** Generations count up and wrap round, and none is 0. */
export function nextGeneration(generation: number): number {
  return (generation + 1) | 0 || 1;
}

/** Whether a generation was given no later than another. */
export function isAtOrBefore(generation: number, other: number): boolean {
  return ((other - generation) | 0) >= 0;
}
