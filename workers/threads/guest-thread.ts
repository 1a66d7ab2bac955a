import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { MAX_FUNCTION_MEMORY_MB } from '../../src/contract/limits.js';
import type { Program } from '../wasm/run/program.js';
import type { HostReply } from '../wasm/run/session.js';
import { filledBytes } from '../wasm/run/snapshot.js';
import { messageIfArrived } from './arrived-message.js';
import {
  CONTROL_BYTES,
  type FromThread,
  type GuestJob,
  type JobResult,
  type PostedResult,
  REPLY,
  REPLY_BYTES,
  REPLY_VALUE,
  SHARED_BYTES,
  SLOTS,
  type ThreadBuffers,
  type ToThread,
  WORD,
} from './protocol.js';
import { nextGeneration, Slot } from './slot.js';

/**
 * Limits of the thread's own JavaScript heap, which does not include guest memory. The stack is
 * large enough for recursive guests, and turns unbounded recursion into a trap.
 *
 * V8 collects all garbage whenever memory outside the heap has increased by half of the old
 * generation's limit, and counts the memory of a guest twice while it grows. With less than twice
 * the largest guest memory, each page that an allocator adds to a large memory costs a collection.
 */
export const RESOURCE_LIMITS = {
  maxOldGenerationSizeMb: 2 * MAX_FUNCTION_MEMORY_MB,
  maxYoungGenerationSizeMb: 16,
  stackSizeMb: 4,
};
/** Bundled into one file: see scripts/build.mjs. */
const SCRIPT = new URL('./thread.cjs', import.meta.url);
const utf8 = new TextEncoder();

let lastId = 0;

export interface ThreadEvents {
  message(thread: GuestThread, message: Exclude<FromThread, { type: 'ready' }>): void;
  ready(thread: GuestThread): void;
  /**
   * Called when the thread has exited; `error` is the cause unless it was terminated on purpose.
   */
  exit(thread: GuestThread, error: Error | null): void;
}

/** A program that a thread has loaded, and what the thread keeps for it between runs. */
export interface LoadedProgram {
  readonly thread: GuestThread;
  readonly key: string;
  /** The id by which messages and slots refer to the program. */
  readonly id: number;
  /** The memory of the warm instance, 0 for none. */
  keptBytes: number;
  /** The filled part of its memory when a run begins. */
  readonly filledBytes: number;
  /** What the warm instance takes besides its memory. */
  readonly instanceBytes: number;
}

/** The main thread's handle of one guest thread. */
export class GuestThread {
  readonly id = ++lastId;
  readonly #worker: Worker;
  readonly #replies: MessagePort;
  readonly #words: Int32Array;
  readonly #values: BigInt64Array;
  readonly #replyBytes: Uint8Array;
  readonly #free: Slot[];
  readonly #exited: Promise<void>;
  /** The programs that the thread has loaded, by key. */
  readonly programs = new Map<string, LoadedProgram>();
  idleSince = performance.now();
  #lastProgramId = 0;
  /** The sequence number of the last wakeup, which is also the generation of the last run. */
  #wakeup = 0;
  #posted = 0;

  /** Throws if the system refuses the thread. */
  constructor(events: ThreadEvents, script: URL = SCRIPT) {
    const shared = new SharedArrayBuffer(SHARED_BYTES);
    this.#free = Array.from({ length: SLOTS }, (_, index) => new Slot(index, shared));
    const buffers: ThreadBuffers = {
      control: new SharedArrayBuffer(CONTROL_BYTES),
      reply: new SharedArrayBuffer(REPLY_BYTES),
      slots: this.#free.map((slot) => slot.buffers),
    };
    this.#words = new Int32Array(buffers.control);
    this.#values = new BigInt64Array(buffers.control);
    this.#replyBytes = new Uint8Array(buffers.reply);
    const { port1, port2 } = new MessageChannel();
    this.#replies = port1;
    try {
      this.#worker = new Worker(script, {
        workerData: { buffers, replies: port2 },
        transferList: [port2],
        resourceLimits: RESOURCE_LIMITS,
        // A guest thread inherits neither the process's environment nor its flags.
        env: {},
        execArgv: [],
      });
    } catch (error) {
      port1.close();
      throw error;
    }
    let failure: Error | null = null;
    this.#worker.on('message', (message: FromThread) => {
      // Cleared before the slots are read: a run that ends from now on sends a new message.
      if (message.type === 'ended') Atomics.store(this.#words, WORD.notified, 0);
      if (message.type === 'ready') events.ready(this);
      else events.message(this, message);
    });
    this.#worker.on('error', (error) => {
      failure = error;
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        resolve();
        events.exit(this, failure);
        // Only now: the results that the thread has posted are read when its exit is handled.
        this.#replies.close();
      });
    });
  }

  /**
   * Whether the thread can take one more invocation, which begins when those before it have ended.
   */
  get hasSlot(): boolean {
    return this.#free.length > 0;
  }

  /** Returns the program with this id; undefined when it has been unloaded since. */
  programWithId(id: number): LoadedProgram | undefined {
    for (const loaded of this.programs.values()) if (loaded.id === id) return loaded;
    return undefined;
  }

  /**
   * Queues an invocation on the thread. The caller must release the slot when the invocation has
   * ended.
   */
  run(key: string, program: Program, job: GuestJob): Slot {
    const slot = this.#free.pop();
    if (slot === undefined) throw new Error('the thread has no free slot');
    const { id } = this.#load(key, program);
    const generation = nextGeneration(this.#wakeup);
    if (!slot.fill(id, job)) this.#post({ type: 'job', slot: slot.index, generation, job: toPosted(job) });
    slot.open(generation);
    this.#wake();
    return slot;
  }

  /**
   * Returns the result of an invocation whose guest ended by itself. Must be called once per
   * invocation, in the order in which they began.
   */
  resultOf(slot: Slot): JobResult {
    return slot.result(() => (messageIfArrived(this.#replies) as PostedResult | undefined) ?? null);
  }

  instantiate(key: string, program: Program): void {
    const { id } = this.#load(key, program);
    this.#post({ type: 'instantiate', programId: id });
    this.#wake();
  }

  releaseSlot(slot: Slot): void {
    this.#free.push(slot);
  }

  unload(key: string): void {
    const loaded = this.programs.get(key);
    if (loaded === undefined) return;
    this.programs.delete(key);
    this.#post({ type: 'unload', programId: loaded.id });
    this.#wake();
  }

  #load(key: string, program: Program): LoadedProgram {
    const known = this.programs.get(key);
    if (known !== undefined) return known;
    const filled = program.snapshot === null ? 0 : filledBytes(program.snapshot);
    const id = ++this.#lastProgramId;
    const loaded: LoadedProgram = {
      thread: this,
      key,
      id,
      keptBytes: 0,
      filledBytes: filled,
      instanceBytes: program.instanceBytes,
    };
    this.programs.set(key, loaded);
    this.#post({ type: 'program', programId: id, program });
    return loaded;
  }

  /** Posts a message, which the thread reads at its next wakeup. */
  #post(message: ToThread): void {
    this.#worker.postMessage(message);
    Atomics.store(this.#words, WORD.posted, ++this.#posted);
  }

  /**
   * A busy thread sees the new sequence number when it is done; only waking a sleeping thread costs
   * a system call.
   */
  #wake(): void {
    this.#wakeup = nextGeneration(this.#wakeup);
    Atomics.store(this.#words, WORD.wakeup, this.#wakeup);
    if (Atomics.exchange(this.#words, WORD.asleep, 0) === 1) Atomics.notify(this.#words, WORD.wakeup);
  }

  /** Delivers the reply of a host call and wakes the guest. */
  reply(reply: HostReply): void {
    this.#values[REPLY_VALUE] = reply.ok ? reply.value : 0n;
    if (!reply.ok) this.#put(REPLY.failed, utf8.encode(reply.reason).subarray(0, REPLY_BYTES));
    else if (reply.note !== undefined)
      this.#put(REPLY.noted, utf8.encode(reply.note).subarray(0, REPLY_BYTES));
    else if (reply.data === null) this.#put(REPLY.none, new Uint8Array(0));
    else if (reply.data.length <= REPLY_BYTES) this.#put(REPLY.data, reply.data);
    else {
      this.#replies.postMessage(new Uint8Array(reply.data));
      this.#put(REPLY.largeData, new Uint8Array(0));
    }
    Atomics.store(this.#words, WORD.replied, 1);
    Atomics.notify(this.#words, WORD.replied);
  }

  #put(kind: number, bytes: Uint8Array): void {
    this.#replyBytes.set(bytes);
    this.#words[WORD.replyKind] = kind;
    this.#words[WORD.replyLength] = bytes.length;
  }

  /** Terminates the thread, even in an endless loop or a wait. Resolves when it has exited. */
  async kill(): Promise<void> {
    await Promise.all([this.#worker.terminate(), this.#exited]);
  }
}

/**
 * Returns a job as it is posted, without what else its object has. An input that is a view of a
 * larger buffer is copied, because posting it would send the whole buffer.
 */
function toPosted({ functionName, requestId, callerWallet, env, httpRequest, input }: GuestJob): GuestJob {
  const isWhole = input.length === input.buffer.byteLength;
  return {
    functionName,
    requestId,
    callerWallet,
    env,
    httpRequest,
    input: isWhole ? input : new Uint8Array(input),
  };
}
