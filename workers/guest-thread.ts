import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import {
  CONTROL_BYTES,
  type FromThread,
  type Job,
  REPLY,
  REPLY_BYTES,
  REPLY_VALUE,
  SLOTS,
  type ThreadBuffers,
  type ToThread,
  WORD,
} from './protocol.js';
import { Slot } from './slot.js';
import type { Program } from './wasm/program.js';
import type { HostReply } from './wasm/session.js';

/**
 * Bounds of the thread's own heap; guest memory is no part of it. The stack holds what a guest's recursion needs
 * and makes a bottomless one a trap.
 */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 192, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 };
/** In one file: see scripts/build.mjs. */
const SCRIPT = new URL('./thread.cjs', import.meta.url);
const utf8 = new TextEncoder();

let lastId = 0;

export interface ThreadEvents {
  message(thread: GuestThread, message: Exclude<FromThread, { type: 'ready' }>): void;
  ready(thread: GuestThread): void;
  /** The thread is gone, on purpose or not; `error` says why when it was not. */
  exit(thread: GuestThread, error: Error | null): void;
}

/** The main thread's end of one guest thread. */
export class GuestThread {
  readonly id = ++lastId;
  readonly #worker: Worker;
  readonly #replies: MessagePort;
  readonly #words: Int32Array;
  readonly #values: BigInt64Array;
  readonly #replyBytes: Uint8Array;
  readonly #slots = Array.from({ length: SLOTS }, (_, index) => new Slot(index));
  readonly #free = [...this.#slots];
  readonly #exited: Promise<void>;
  /** Programs it has been given, with the bytes it keeps for each between runs. */
  readonly kept = new Map<string, number>();
  idleSince = Date.now();

  constructor(events: ThreadEvents) {
    const buffers: ThreadBuffers = {
      control: new SharedArrayBuffer(CONTROL_BYTES),
      reply: new SharedArrayBuffer(REPLY_BYTES),
      slots: this.#slots.map((slot) => slot.buffers),
    };
    this.#words = new Int32Array(buffers.control);
    this.#values = new BigInt64Array(buffers.control);
    this.#replyBytes = new Uint8Array(buffers.reply);
    const { port1, port2 } = new MessageChannel();
    this.#replies = port1;
    this.#worker = new Worker(SCRIPT, {
      workerData: { buffers, replies: port2 },
      transferList: [port2],
      resourceLimits: RESOURCE_LIMITS,
      // A guest thread inherits neither the process's environment nor its flags.
      env: {},
      execArgv: [],
    });
    let failure: Error | null = null;
    this.#worker.on('message', (message: FromThread) => {
      if (message.type === 'ready') events.ready(this);
      else events.message(this, message);
    });
    this.#worker.on('error', (error) => {
      failure = error;
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#replies.close();
        resolve();
        events.exit(this, failure);
      });
    });
  }

  /** Can take one more invocation, to begin when those before it have ended. */
  get hasSlot(): boolean {
    return this.#free.length > 0;
  }

  /** Hands over an invocation; its slot is to be given back when it has ended. */
  run(key: string, program: Program, job: Job): Slot {
    const slot = this.#free.pop();
    if (slot === undefined) throw new Error('the thread has no slot for one more invocation');
    const message: ToThread = { type: 'run', key, job, slot: slot.index, ticket: slot.open() };
    if (!this.kept.has(key)) {
      message.program = program;
      this.kept.set(key, 0);
    }
    this.#worker.postMessage(message);
    return slot;
  }

  prepare(key: string, program: Program): void {
    this.kept.set(key, 0);
    this.#worker.postMessage({ type: 'prepare', key, program } satisfies ToThread);
  }

  giveBack(slot: Slot): void {
    this.#free.push(slot);
  }

  forget(key: string): void {
    this.kept.delete(key);
    this.#worker.postMessage({ type: 'forget', key } satisfies ToThread);
  }

  /** Wakes the guest out of its host call. */
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

  /** Ends the thread whatever it does, an endless loop or a wait included. Resolves when it is gone. */
  async kill(): Promise<void> {
    await Promise.all([this.#worker.terminate(), this.#exited]);
  }
}
