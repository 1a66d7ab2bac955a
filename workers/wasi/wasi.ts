import type { File } from 'wasi-js/dist/types.js';
import wasiJs from 'wasi-js/dist/wasi.js';
import { MAX_OUTPUT_BYTES, MB } from '../../src/contract/limits.js';
import type { GuestMemory } from '../wasm/run/memory.js';
import { GuestFailure, type GuestSession } from '../wasm/run/session.js';
import { bindings } from './bindings.js';
import { descriptions } from './descriptions.js';
import { ERRNO } from './errno.js';
import { pollOneoff } from './poll.js';
import { RIGHT } from './rights.js';

const { default: WASI } = wasiJs;

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
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
    // fd_fdstat_set_rights modifies the rights objects, so each invocation gets new ones.
    this.#wasi.FD_MAP.clear();
    for (const descriptor of [STDIN, STDOUT, STDERR]) this.#wasi.FD_MAP.set(descriptor, stream(descriptor));
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

  get #session(): GuestSession {
    if (this.#current === null) throw new GuestFailure('the guest ran outside an invocation');
    return this.#current;
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
      ...this.#descriptors(),
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

  /** What no stream of a function supports, and the descriptor table. */
  #descriptors(): Record<string, WasiFunction> {
    const notSeekable = (descriptor: number) => (this.#isOpen(descriptor) ? ERRNO.spipe : ERRNO.badf);
    const setRights = this.#wasi.wasiImport.fd_fdstat_set_rights as (
      ...args: [number, bigint, bigint]
    ) => number;
    const notSocket = (descriptor: number) => (this.#isOpen(descriptor) ? ERRNO.notsock : ERRNO.badf);
    return {
      fd_pread: notSeekable,
      fd_pwrite: notSeekable,
      fd_seek: notSeekable,
      fd_tell: notSeekable,
      // wasi-js reports the standard streams as preopened directories.
      fd_prestat_get: () => ERRNO.badf,
      fd_prestat_dir_name: () => ERRNO.badf,
      fd_fdstat_set_flags: (descriptor: number) => (this.#isOpen(descriptor) ? ERRNO.success : ERRNO.badf),
      // wasi-js compares the rights as signed numbers: all of them would be less than those that it
      // has.
      fd_fdstat_set_rights: (descriptor: number, base: bigint, inheriting: bigint) =>
        setRights(descriptor, BigInt.asUintN(64, base), BigInt.asUintN(64, inheriting)),
      fd_renumber: (from: number, to: number) => {
        const file = this.#wasi.FD_MAP.get(from);
        if (file === undefined || !this.#isOpen(to)) return ERRNO.badf;
        if (from === to) return ERRNO.success;
        this.#wasi.FD_MAP.set(to, file);
        this.#wasi.FD_MAP.delete(from);
        return ERRNO.success;
      },
      sock_accept: notSocket,
      sock_recv: notSocket,
      sock_send: notSocket,
      sock_shutdown: notSocket,
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

  #isOpen(descriptor: number): boolean {
    return this.#wasi.FD_MAP.has(descriptor);
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

/**
 * A standard stream in the representation of wasi-js. WASI preview 1 has no file type for pipes;
 * like node:wasi, this uses socket_stream. A character device would be a terminal, on which
 * interpreters become interactive.
 */
const SOCKET_STREAM = 6;
const STREAM_RIGHTS =
  RIGHT.fdDatasync |
  RIGHT.fdFdstatSetFlags |
  RIGHT.fdSync |
  RIGHT.fdAdvise |
  RIGHT.fdFilestatGet |
  RIGHT.pollFdReadwrite;

function stream(descriptor: number): File {
  const base = STREAM_RIGHTS | (descriptor === STDIN ? RIGHT.fdRead : RIGHT.fdWrite);
  return { real: descriptor, filetype: SOCKET_STREAM, rights: { base, inheriting: 0n } };
}

/** Throws when the output is too large; output is never truncated. */
export function checkOutputSize(bytes: number): void {
  if (bytes > MAX_OUTPUT_BYTES) throw new GuestFailure(`output is larger than ${MAX_OUTPUT_BYTES / MB} MB`);
}
