import wasiJs from 'wasi-js/dist/wasi.js';
import { MAX_OUTPUT_BYTES } from '../../src/contract/limits.js';
import type { GuestMemory } from '../wasm/run/memory.js';
import { type GuestSession, OutputTooLarge, sessionOf } from '../wasm/run/session.js';
import { bindings } from './bindings.js';
import { descriptions } from './descriptions.js';
import { resetTable, STDERR, STDIN, STDOUT, tableFunctions } from './descriptor-table.js';
import { ERRNO } from './errno.js';
import { pollOneoff } from './poll.js';

const { default: WASI } = wasiJs;

/** How much random_get fills at once. */
const RANDOM_STEP_BYTES = 65_536;
const INITIAL_OUTPUT_BYTES = 4096;
/** Up to this size the output buffer is kept between invocations. */
const MAX_KEPT_OUTPUT_BYTES = 65_536;
/** How much poll_oneoff says can be written: a write never blocks. */
const WRITABLE_BYTES = 65_536;
/** How much of stderr is kept to find the reason of an exit in, in characters. */
const TAIL_CHARACTERS = 8192;
const text = new TextDecoder();

/**
 * The memory that wasi-js uses. wasi-js accesses memory only for descriptors with rights that no
 * descriptor here has; all other functions that access memory are overridden, so that every write
 * of the host is known.
 */
const NO_MEMORY: WebAssembly.Memory = { buffer: new ArrayBuffer(0), grow: () => 0 };

type WasiFunction = (...args: never[]) => number;

/**
 * Thrown to end a guest that called proc_exit or proc_raise. Not an Error, because capturing a
 * stack trace costs more than the exit itself.
 */
export class GuestExit {
  constructor(readonly code: number) {}
}

/**
 * WASI preview 1 for one thread, reset for each invocation. wasi-js keeps the descriptor table;
 * functions that it implements incorrectly, or on the host's own streams, are overridden here.
 */
export class GuestWasi {
  readonly functions: Record<string, WasiFunction>;
  readonly #memory: GuestMemory;
  readonly #wasi: InstanceType<typeof WASI>;
  #current: GuestSession | null = null;
  #startedAt = 0n;
  #read = 0;
  #output = new Uint8Array(INITIAL_OUTPUT_BYTES);
  #outputLength = 0;
  #outputToLog = false;
  #errorTail = '';

  constructor(memory: GuestMemory) {
    this.#memory = memory;
    this.#wasi = new WASI({ args: [], env: {}, preopens: {}, bindings });
    this.#wasi.setMemory(NO_MEMORY);
    const described = descriptions(
      memory,
      () => [this.#session.name],
      (descriptor) => this.#wasi.FD_MAP.get(descriptor),
    );
    this.functions = { ...this.#wasi.wasiImport, ...described, ...this.#overrides() };
  }

  /**
   * Resets the state for an invocation.
   *
   * @param outputToLog Whether stdout is logged: the output of a reactor is the value that `handle`
   *   returns, not what it prints.
   */
  begin(session: GuestSession, outputToLog: boolean): void {
    this.#current = session;
    this.#startedAt = session.clock.monotonic();
    this.#read = 0;
    this.#outputLength = 0;
    this.#outputToLog = outputToLog;
    this.#errorTail = '';
    resetTable(this.#wasi.FD_MAP);
  }

  takeOutput(): Uint8Array {
    const output = this.#output.slice(0, this.#outputLength);
    // A large buffer is not kept for the lifetime of the thread.
    if (this.#output.length > MAX_KEPT_OUTPUT_BYTES) this.#output = new Uint8Array(INITIAL_OUTPUT_BYTES);
    return output;
  }

  /**
   * Returns the line on stderr that serves as the error message of a guest that exits with an
   * error: the last non-blank one, or the panic of a Go program, which prints its stack afterwards.
   */
  lastErrorLine(): string {
    const stack = /^goroutine \d+ .*\[/m.exec(this.#errorTail);
    if (stack !== null) {
      const lines = this.#errorTail.slice(0, stack.index).split('\n');
      const panic = lines.find((line) => /^(?:panic|fatal error): /.test(line));
      if (panic !== undefined) return panic.trim();
    }
    return this.#errorTail.trimEnd().split('\n').at(-1)?.trim() ?? '';
  }

  /**
   * Returns the panic that a Rust program printed on stderr as one line, '' if there is none: its
   * location, and its message on the lines between the header and the note about backtraces.
   */
  panic(): string {
    const parts = this.#errorTail.split(/^thread '.*' (?:\(\d+\) )?(?=panicked at )/m);
    const last = parts.length > 1 ? parts.at(-1) : undefined;
    const [panic = ''] = last?.split(/^(?:note: |stack backtrace:)/m) ?? [];
    const lines = panic.split('\n').map((line) => line.trim());
    return lines.filter((line) => line !== '').join(' ');
  }

  get #session(): GuestSession {
    return sessionOf(this.#current);
  }

  /** Returns the stream of a descriptor, which fd_renumber may have changed; null for none. */
  #stream(descriptor: number): number | null {
    return this.#wasi.FD_MAP.get(descriptor)?.real ?? null;
  }

  #clock(id: number): bigint | null {
    const { clock } = this.#session;
    if (id === 0) return clock.realtime();
    if (id === 1) return clock.monotonic();
    // The CPU time clocks of process and thread return the invocation's own time, so that they
    // reveal nothing about earlier invocations.
    return id === 2 || id === 3 ? clock.monotonic() - this.#startedAt : null;
  }

  #overrides(): Record<string, WasiFunction> {
    return {
      ...this.#clocks(),
      ...this.#streams(),
      ...tableFunctions(this.#wasi),
      ...this.#process(),
    };
  }

  /** The clocks, timers and the random source. */
  #clocks(): Record<string, WasiFunction> {
    const memory = this.#memory;
    return {
      clock_res_get: (id: number, result: number) => {
        if (id >>> 0 > 3) return ERRNO.inval;
        memory.setU64(result, id === 0 ? 1_000_000n : 1n);
        return ERRNO.success;
      },
      clock_time_get: (id: number, _precision: bigint, result: number) => {
        const now = this.#clock(id);
        if (now === null) return ERRNO.inval;
        memory.setU64(result, now);
        return ERRNO.success;
      },
      random_get: (pointer: number, length: number) => {
        // In steps, because a call that fills 256 MB at once cannot be interrupted by a
        // termination.
        const target = memory.window(pointer, length);
        for (let at = 0; at < target.length; at += RANDOM_STEP_BYTES) {
          this.#session.random(target.subarray(at, at + RANDOM_STEP_BYTES));
        }
        return ERRNO.success;
      },
      poll_oneoff: (input: number, output: number, count: number, result: number) =>
        pollOneoff(
          {
            memory,
            now: (id) => this.#clock(id),
            ready: (descriptor, direction) => this.#ready(descriptor, direction),
            sleep: (milliseconds) => this.#session.bridge.sleep(milliseconds),
          },
          input,
          output,
          count,
          result,
        ),
    };
  }

  /** Reading the input and writing the output and the log. */
  #streams(): Record<string, WasiFunction> {
    const memory = this.#memory;
    return {
      fd_read: (descriptor: number, vectors: number, count: number, result: number) => {
        if (this.#stream(descriptor) !== STDIN) return ERRNO.badf;
        const before = this.#read;
        const { input } = this.#session;
        for (const [pointer, length] of this.#vectors(vectors, count)) {
          const target = memory.window(pointer, length);
          const part = input.subarray(this.#read, this.#read + target.length);
          target.set(part);
          this.#read += part.length;
          if (part.length < target.length) break;
        }
        memory.setU32(result, this.#read - before);
        return ERRNO.success;
      },
      fd_write: (descriptor: number, vectors: number, count: number, result: number) => {
        const to = this.#stream(descriptor);
        if (to !== STDOUT && to !== STDERR) return ERRNO.badf;
        let written = 0;
        for (const [pointer, length] of this.#vectors(vectors, count)) {
          const part = memory.slice(pointer, length);
          if (to === STDERR) this.#printError(part);
          else if (this.#outputToLog) this.#session.log.print('info', part);
          else this.#print(part);
          written += part.length;
        }
        memory.setU32(result, written);
        return ERRNO.success;
      },
    };
  }

  #process(): Record<string, WasiFunction> {
    return {
      proc_exit: (code: number) => {
        throw new GuestExit(code);
      },
      // By convention, a process that is ended by a signal has the exit code 128 + signal number.
      proc_raise: (signal: number) => {
        throw new GuestExit(128 + (signal & 0x7f));
      },
      sched_yield: () => ERRNO.success,
    };
  }

  /**
   * Yields vectors one at a time without storing them: an invalid count ends at the first vector
   * outside the memory.
   */
  *#vectors(pointer: number, count: number): Generator<[pointer: number, length: number]> {
    const total = count >>> 0;
    for (let index = 0; index < total; index++) {
      const at = (pointer >>> 0) + index * 8;
      const length = this.#memory.getU32(at + 4);
      if (length > 0) yield [this.#memory.getU32(at), length];
    }
  }

  #ready(descriptor: number, direction: 'read' | 'write'): number | null {
    const to = this.#stream(descriptor);
    if (direction === 'read') return to === STDIN ? this.#session.input.length - this.#read : null;
    return to === STDOUT || to === STDERR ? WRITABLE_BYTES : null;
  }

  #printError(part: Uint8Array): void {
    this.#session.log.print('error', part);
    const tail = text.decode(part.subarray(-4 * TAIL_CHARACTERS));
    this.#errorTail = (this.#errorTail + tail).slice(-TAIL_CHARACTERS);
  }

  #print(part: Uint8Array): void {
    const length = this.#outputLength + part.length;
    checkOutputSize(length);
    if (length > this.#output.length) {
      const larger = new Uint8Array(Math.min(Math.max(length, this.#output.length * 2), MAX_OUTPUT_BYTES));
      larger.set(this.#output.subarray(0, this.#outputLength));
      this.#output = larger;
    }
    this.#output.set(part, this.#outputLength);
    this.#outputLength = length;
  }
}

export function checkOutputSize(bytes: number): void {
  if (bytes > MAX_OUTPUT_BYTES) throw new OutputTooLarge();
}
