import { randomFillSync } from 'node:crypto';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { EngineFunctionName } from '../../src/contract/host-functions.js';
import { WASM_PAGE_BYTES, WASM_PAGES_PER_MB } from '../../src/contract/limits.js';
import { Guest } from '../wasm/run/guest.js';
import { InstanceUnavailable } from '../wasm/run/instance-unavailable.js';
import type { Runner } from '../wasm/run/program.js';
import { createRunner } from '../wasm/run/runner.js';
import type { Bridge, Clock, GuestResult, GuestSession, HostReply, HostValue } from '../wasm/run/session.js';
import { arrivedMessage } from './arrived-message.js';
import {
  type FromThread,
  type GuestJob,
  NUMBER,
  REPLY,
  REPLY_VALUE,
  SLOT,
  type SlotBuffers,
  STATE,
  type ThreadBuffers,
  type ToThread,
  WORD,
} from './protocol.js';
import { SharedLog } from './shared-log.js';
import { isAtOrBefore, readJob, type SlotView, viewOf, writeIdleReport, writeResult } from './slot.js';
import { steadyMs } from './steady-clock.js';

/** A sleep shorter than this, in milliseconds, is not reported to the scheduler. */
const SHORT_SLEEP_MS = 2;

if (parentPort === null) throw new Error('thread.js must run as a worker thread of the thread pool');
const port: MessagePort = parentPort;
const { buffers, replies } = workerData as { buffers: ThreadBuffers; replies: MessagePort };
const words = new Int32Array(buffers.control);
const values = new BigInt64Array(buffers.control);
const replyBytes = new Uint8Array(buffers.reply);
const utf8 = new TextDecoder();
const sleepCell = new Int32Array(new SharedArrayBuffer(4));

const guest = new Guest();
guest.onMemorySize = (bytes) => {
  if (isRunning) Atomics.store(current.words, SLOT.pages, bytes / WASM_PAGE_BYTES);
};
const runners = new Map<number, Runner>();
const slots = buffers.slots.map(openSlot);
let current = slots[0] as ThreadSlot;
/** Whether a guest runs in the current slot. */
let isRunning = false;
/** The time that the current run has spent in host calls and sleeps, in milliseconds. */
let waitedMs = 0;

interface ThreadSlot extends SlotView {
  log: SharedLog;
  /**
   * A job that was too large for the slot, with its generation: the job may have been withdrawn.
   */
  posted: { generation: number; job: GuestJob } | null;
}

function openSlot(slotBuffers: SlotBuffers): ThreadSlot {
  const view = viewOf(slotBuffers);
  const { words } = view;
  const cursor = { words, committed: SLOT.logCommitted, pending: SLOT.logPending };
  const log = new SharedLog({ buffer: slotBuffers.shared, at: slotBuffers.logOffset }, cursor);
  return { ...view, log, posted: null };
}

const clock: Clock = {
  realtime: () => BigInt(Date.now()) * 1_000_000n,
  monotonic: () => process.hrtime.bigint(),
};

const bridge: Bridge = { call, sleep };

function random(bytes: Uint8Array): void {
  randomFillSync(bytes);
}

function post(message: FromThread): void {
  port.postMessage(message);
}

/**
 * Notifies the main thread of a new slot state, unless it has not read an earlier notification yet.
 */
function notifyEnded(): void {
  if (Atomics.exchange(words, WORD.notified, 1) === 0) post({ type: 'ended' });
}

function call(name: EngineFunctionName, args: HostValue[]): HostReply {
  waitFor({ type: 'call', name, args });
  const kind = words[WORD.replyKind];
  if (kind === REPLY.failed) return { ok: false, reason: utf8.decode(takeReply()) };
  const value = values[REPLY_VALUE] ?? 0n;
  if (kind === REPLY.none) return { ok: true, value, data: null };
  if (kind === REPLY.noted) return { ok: true, value, data: null, note: utf8.decode(takeReply()) };
  return { ok: true, value, data: kind === REPLY.largeData ? takeLargeReply() : takeReply() };
}

function sleep(milliseconds: number): void {
  if (milliseconds < SHORT_SLEEP_MS) Atomics.wait(sleepCell, 0, 0, milliseconds);
  else waitFor({ type: 'sleep', milliseconds });
}

/**
 * Blocks the thread, without using its core, until the main thread has replied. Terminating the
 * thread ends the wait.
 */
function waitFor(message: FromThread): void {
  Atomics.store(words, WORD.replied, 0);
  // What a parked guest is charged for; not every import has accessed its memory.
  Atomics.store(current.words, SLOT.pages, guest.memory.byteLength / WASM_PAGE_BYTES);
  const since = performance.now();
  post(message);
  // A loop, because the notification of the previous call may arrive late: the main thread stores
  // its reply, this thread sees it without having slept and makes its next call, and only then the
  // notification arrives. Observed once in 5,000 invocations.
  while (Atomics.load(words, WORD.replied) === 0) Atomics.wait(words, WORD.replied, 0);
  waitedMs += performance.now() - since;
}

/**
 * Copied, because the next call overwrites the shared buffer and text decoders reject shared
 * memory.
 */
function takeReply(): Uint8Array {
  return replyBytes.slice(0, words[WORD.replyLength]);
}

function takeLargeReply(): Uint8Array | null {
  const received = arrivedMessage(replies);
  return received instanceof Uint8Array ? received : null;
}

function run(runner: Runner, job: GuestJob, slot: ThreadSlot): void {
  current = slot;
  waitedMs = 0;
  slot.log.begin();
  Atomics.store(slot.words, SLOT.pages, 0);
  slot.numbers[NUMBER.startedAt] = Date.now();
  slot.numbers[NUMBER.begunAt] = steadyMs();
  const began = performance.now();
  const warm = runner.keptBytes() > 0;
  const { functionName: name, requestId, callerWallet, env, httpRequest = '', input } = job;
  const session: GuestSession = {
    name,
    requestId,
    callerWallet,
    env,
    httpRequest,
    response: null,
    input,
    log: slot.log,
    bridge,
    clock,
    random,
  };
  const { result, unstarted } = runOn(runner, session);
  const { output, exitCode, error, pages } = result;
  const durationMs = performance.now() - began;
  const memoryPeakMb = pages / WASM_PAGES_PER_MB;
  const rest = writeResult(slot, {
    output,
    exitCode,
    error,
    response: session.response,
    memoryPeakMb,
    durationMs,
    warm,
    unstarted,
  });
  if (rest !== null) replies.postMessage(rest, [output.buffer as ArrayBuffer]);
  // Before the reset, which may end the thread: the result counts, and the run is not repeated.
  Atomics.store(slot.words, SLOT.state, STATE.done);
  if (!runner.resetsAtOnce()) notifyEnded();
  runner.reset();
  writeIdleReport(slot, { keptBytes: runner.keptBytes(), busyMs: performance.now() - began - waitedMs });
  // From here on the slot belongs to the main thread.
  Atomics.store(slot.words, SLOT.state, STATE.idle);
  notifyEnded();
}

function runOn(runner: Runner, session: GuestSession): { result: GuestResult; unstarted: boolean } {
  isRunning = true;
  try {
    guest.begin(runner.program, session);
    return { result: runner.run(), unstarted: false };
  } catch (error) {
    if (!(error instanceof InstanceUnavailable)) throw error;
    const result = {
      output: new Uint8Array(0),
      exitCode: null,
      error: error.message,
      pages: 0,
      refused: false,
    };
    return { result, unstarted: true };
  } finally {
    isRunning = false;
  }
}

/** Creates a warm instance. */
function instantiate(programId: number): void {
  const runner = runners.get(programId);
  runner?.instantiate();
  post({ type: 'instantiated', programId, keptBytes: runner?.keptBytes() ?? 0 });
}

let handledCount = 0;

/**
 * Handles posted messages. Those posted before the wakeup that this thread has seen have arrived.
 */
function handlePosted(): void {
  while (handledCount !== Atomics.load(words, WORD.posted)) {
    handledCount++;
    handleMessage(arrivedMessage(port) as ToThread);
  }
}

function handleMessage(message: ToThread): void {
  switch (message.type) {
    case 'program':
      runners.set(message.programId, createRunner(message.program, guest));
      return;
    case 'instantiate':
      instantiate(message.programId);
      return;
    case 'unload':
      runners.delete(message.programId);
      return;
    case 'job': {
      const { generation, job } = message;
      const slot = slots[message.slot];
      if (slot !== undefined) slot.posted = { generation, job };
      return;
    }
  }
}

/**
 * Begins the oldest queued run. Returns false when there is none. A generation after the wakeup
 * that was read may follow one that is not visible yet, so it is left for the next pass; runs thus
 * begin in the order in which they were queued.
 */
function beginNext(wakeup: number): boolean {
  let next: ThreadSlot | null = null;
  let generation = 0;
  for (const slot of slots) {
    const queued = Atomics.load(slot.words, SLOT.generation);
    if (queued === 0 || !isAtOrBefore(queued, wakeup) || (next !== null && isAtOrBefore(generation, queued)))
      continue;
    next = slot;
    generation = queued;
  }
  if (next === null) return false;
  // If the swap fails, the run was just withdrawn, and another one may be queued.
  if (Atomics.compareExchange(next.words, SLOT.generation, generation, 0) === generation)
    begin(next, generation);
  return true;
}

function begin(slot: ThreadSlot, generation: number): void {
  const programId = slot.words[SLOT.program] ?? 0;
  const runner = runners.get(programId);
  if (runner === undefined) throw new Error(`program ${programId} is not loaded on this thread`);
  const posted = slot.posted?.generation === generation ? slot.posted.job : null;
  slot.posted = null;
  const job = readJob(slot) ?? posted;
  if (job === null) throw new Error('the posted job did not arrive');
  run(runner, job, slot);
}

post({ type: 'ready' });
// Never returns to the event loop: waking a thread from it takes several times as long. Terminating
// the thread ends the loop.
for (;;) {
  const wakeup = Atomics.load(words, WORD.wakeup);
  handlePosted();
  if (beginNext(wakeup)) continue;
  // The flag is set before the wait compares the sequence number, so a wakeup in between ends the
  // wait at once.
  Atomics.store(words, WORD.asleep, 1);
  Atomics.wait(words, WORD.wakeup, wakeup);
  Atomics.store(words, WORD.asleep, 0);
}
