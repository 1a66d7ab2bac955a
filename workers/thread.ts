import { randomFillSync } from 'node:crypto';
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import {
  type FromThread,
  type Job,
  REPLY,
  REPLY_VALUE,
  SLOT,
  type SlotBuffers,
  STARTED_AT,
  type ThreadBuffers,
  type ToThread,
  WORD,
} from './protocol.js';
import { SharedLog } from './protocol-log.js';
import { Guest } from './wasm/guest.js';
import type { HostFunctionName } from './wasm/host-functions.js';
import type { Program, Runner } from './wasm/program.js';
import { createRunner } from './wasm/runner.js';
import type { Bridge, Clock, HostReply, HostValue, Session } from './wasm/session.js';

/** Below this a sleep is not worth telling the pool of. */
const SHORT_SLEEP_MS = 2;
const PAGES_PER_MB = 16;

const port = parentPort;
if (port === null) throw new Error('thread.js runs as a worker thread of the pool only');
const { buffers, replies } = workerData as { buffers: ThreadBuffers; replies: MessagePort };
const words = new Int32Array(buffers.control);
const values = new BigInt64Array(buffers.control);
const replyBytes = new Uint8Array(buffers.reply);
const utf8 = new TextDecoder();
const nobody = new Int32Array(new SharedArrayBuffer(4));

const guest = new Guest();
const runners = new Map<string, { program: Program; runner: Runner }>();
const slots = buffers.slots.map(openSlot);
let current = slots[0] as Slot;
/** In host calls and sleeps, of the current run. */
let waitedMs = 0;

interface Slot {
  words: Int32Array;
  times: Float64Array;
  log: SharedLog;
  /** Say so when lines are logged: somebody is watching. */
  live: boolean;
}

function openSlot({ control, log }: SlotBuffers): Slot {
  const words = new Int32Array(control);
  const cursor = { words, committed: SLOT.logCommitted, pending: SLOT.logPending };
  const slot: Slot = {
    words,
    times: new Float64Array(control),
    log: new SharedLog(log, cursor, () => {
      if (slot.live && Atomics.exchange(words, SLOT.logAnnounced, 1) === 0) say({ type: 'logged' });
    }),
    live: false,
  };
  return slot;
}

const clock: Clock = {
  realtime: () => BigInt(Date.now()) * 1_000_000n,
  monotonic: () => process.hrtime.bigint(),
};

const bridge: Bridge = { call, sleep };

function say(message: FromThread, transfer: ArrayBuffer[] = []): void {
  port?.postMessage(message, transfer);
}

function call(name: HostFunctionName, args: HostValue[]): HostReply {
  waitFor({ type: 'call', name, args });
  const kind = words[WORD.replyKind];
  if (kind === REPLY.failed) return { ok: false, reason: utf8.decode(takeReply()) };
  const value = values[REPLY_VALUE] ?? 0n;
  if (kind === REPLY.none) return { ok: true, value, data: null };
  if (kind === REPLY.noted) return { ok: true, value, data: null, note: utf8.decode(takeReply()) };
  return { ok: true, value, data: kind === REPLY.largeData ? takeLargeReply() : takeReply() };
}

function sleep(milliseconds: number): void {
  if (milliseconds < SHORT_SLEEP_MS) Atomics.wait(nobody, 0, 0, milliseconds);
  else waitFor({ type: 'sleep', milliseconds });
}

/** Hands the thread's core back until the main thread has answered. A kill ends the wait as it ends everything. */
function waitFor(message: FromThread): void {
  Atomics.store(words, WORD.replied, 0);
  Atomics.store(current.words, SLOT.pages, guest.memory.byteLength / 65_536);
  const since = performance.now();
  say(message);
  // A loop, since a wake-up may be that of the call before: the main thread stores its reply, this thread sees it without
  // having slept and makes its next call, and only then comes the notification. Seen once in 5,000 invocations.
  while (Atomics.load(words, WORD.replied) === 0) Atomics.wait(words, WORD.replied, 0);
  waitedMs += performance.now() - since;
}

/** A copy: the next call overwrites the shared one, and decoders refuse shared memory. */
function takeReply(): Uint8Array {
  return replyBytes.slice(0, words[WORD.replyLength]);
}

function takeLargeReply(): Uint8Array | null {
  // Posted before the word that woke this thread was stored, so it is there.
  const received = receiveMessageOnPort(replies)?.message;
  return received instanceof Uint8Array ? received : null;
}

function run(runner: Runner, job: Job, slot: Slot): void {
  current = slot;
  waitedMs = 0;
  slot.live = job.live;
  slot.log.begin();
  Atomics.store(slot.words, SLOT.logAnnounced, 0);
  Atomics.store(slot.words, SLOT.pages, 0);
  slot.times[STARTED_AT] = Date.now();
  const began = performance.now();
  const warm = runner.keptBytes() > 0;
  const session: Session = {
    name: job.name,
    requestId: job.requestId,
    callerWallet: job.callerWallet,
    env: job.env,
    input: job.input,
    log: slot.log,
    bridge,
    clock,
    random: (bytes) => {
      randomFillSync(bytes);
    },
  };
  const { output, exitCode, error, pages } = runner.run(session);
  const durationMs = performance.now() - began;
  const memoryPeakMb = pages / PAGES_PER_MB;
  const atOnce = runner.resetsAtOnce();
  if (atOnce) runner.reset();
  const result = { output, exitCode, error, memoryPeakMb, durationMs, warm };
  const idle = () => ({ keptBytes: runner.keptBytes(), busyMs: performance.now() - began - waitedMs });
  say({ type: 'done', result, idle: atOnce ? idle() : null }, [output.buffer as ArrayBuffer]);
  if (atOnce) return;
  runner.reset();
  say({ type: 'idle', idle: idle() });
}

/** What fails here fails when it is run, and is told then. */
function prepare(key: string): void {
  const runner = runners.get(key)?.runner;
  try {
    runner?.prepare();
  } catch {
    return;
  }
  say({ type: 'prepared', key, keptBytes: runner?.keptBytes() ?? 0 });
}

port.on('message', (message: ToThread) => {
  if (message.type === 'forget') {
    runners.delete(message.key);
    return;
  }
  if (message.program !== undefined) {
    runners.set(message.key, { program: message.program, runner: createRunner(message.program, guest) });
  }
  if (message.type === 'prepare') {
    prepare(message.key);
    return;
  }
  const slot = slots[message.slot] as Slot;
  const mayBegin = Atomics.compareExchange(slot.words, SLOT.ticket, message.ticket, 0) === message.ticket;
  if (!mayBegin) return;
  const entry = runners.get(message.key);
  if (entry === undefined) throw new Error(`the thread was never given the module ${message.key}`);
  run(entry.runner, message.job, slot);
});

say({ type: 'ready' });
