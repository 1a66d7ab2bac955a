import { WASM_PAGE_BYTES } from '../../../src/contract/limits.js';
import { checkOutputSize, GuestExit, GuestWasi } from '../../wasi/wasi.js';
import { HostImports } from './host-imports.js';
import { HOST_MODULES, WASI_MODULE } from './imports.js';
import { isGlobal, memoryOf } from './instance.js';
import { InstanceUnavailable } from './instance-unavailable.js';
import { GuestMemory } from './memory.js';
import type { ProgramBase } from './program.js';
import { GuestFailure, type GuestResult, type GuestSession, OutputTooLarge } from './session.js';

const noOutput = () => new Uint8Array(0);

type Func = (...args: (number | bigint)[]) => unknown;

/**
 * The environment of the guest on a thread: its imports, created once, and the current memory and
 * session. One guest runs at a time.
 */
export class Guest {
  /** Called with the size of the guest's memory when it runs, and when it is seen to have grown. */
  onMemorySize: (bytes: number) => void = () => {};
  readonly imports: WebAssembly.Imports;
  readonly memory = new GuestMemory((bytes) => this.onMemorySize(bytes));
  readonly #wasi = new GuestWasi(this.memory);
  readonly #host = new HostImports(this.memory);
  #session: GuestSession | null = null;
  #instance: WebAssembly.Instance | null = null;
  #program: ProgramBase | null = null;
  /**
   * The reason why the guest must end. Once set, every import throws it again, regardless of the
   * guest's exception handlers.
   */
  #ending: unknown = null;

  constructor() {
    const host = this.#guard(this.#host.functions);
    this.imports = { [WASI_MODULE]: this.#guard(this.#wasi.functions) };
    for (const module of HOST_MODULES) this.imports[module] = host;
  }

  /**
   * Resets the imports for an invocation. Must be called before the instance is created, because
   * start functions may call imports.
   */
  begin(program: ProgramBase, session: GuestSession): void {
    this.#program = program;
    this.#session = session;
    this.#ending = null;
    this.release();
    this.#wasi.begin(session, program.shape.kind === 'reactor');
    this.#host.begin(session);
  }

  /** What differs between the runs of an instance, whatever their input. */
  get conditions(): Pick<GuestSession, 'clock' | 'random'> {
    return this.#need(this.#session);
  }

  /** Releases the instance, so that its memory can be collected. */
  release(): void {
    this.#instance = null;
    this.memory.attach(null);
    this.#host.attach(null);
  }

  attach(instance: WebAssembly.Instance): void {
    this.#instance = instance;
    const memory = memoryOf(instance);
    const { shape, tableBytes } = this.#need(this.#program);
    this.memory.attach(memory, tableBytes);
    const { allocator } = shape;
    this.#host.attach(allocator === null ? null : (size) => Number(this.call(allocator, size)));
  }

  /** Calls the start function, which the rewriter has exported. */
  start(): void {
    const { names } = this.#need(this.#program);
    if (names.start !== null) this.call(names.start);
  }

  call(name: string, ...args: (number | bigint)[]): unknown {
    const target = this.#instance?.exports[name];
    if (typeof target !== 'function') throw new GuestFailure(`the module does not export ${name}`);
    return (target as Func)(...args);
  }

  /** Runs the entry of a command. The result is its exit code and what it printed. */
  runCommand(entry: () => void): GuestResult {
    return this.#run(() => {
      entry();
      return this.#wasi.takeOutput();
    });
  }

  /**
   * Passes the input to `handle` and reads the output that it returns: the pointer in the low half
   * of an i64, the length in the high half.
   */
  runHandler(start: () => void): GuestResult {
    return this.#run(() => {
      start();
      const { input } = this.#need(this.#session);
      const pointer = this.#host.allocate('handle', Math.max(input.length, 1));
      if (pointer === 0) throw new GuestFailure("the module's allocator returned 0 for its input");
      this.memory.write(pointer, input);
      const packed = BigInt.asUintN(64, BigInt(this.call('handle', pointer, input.length) as bigint));
      const length = Number(packed >> 32n);
      checkOutputSize(length);
      return this.#readOutput(Number(packed & 0xffff_ffffn), length);
    });
  }

  #readOutput(pointer: number, length: number): Uint8Array {
    if (length === 0) return noOutput();
    try {
      return this.memory.copy(pointer, length);
    } catch {
      throw new GuestFailure(`handle returned ${length} bytes at ${pointer}, which is outside its memory`);
    }
  }

  #run(body: () => Uint8Array): GuestResult {
    const limitMb = this.#need(this.#program).limitMb;
    let output: Uint8Array = noOutput();
    let ending: unknown = null;
    try {
      output = body();
      ending = this.#ending;
    } catch (error) {
      if (error instanceof InstanceUnavailable) throw error;
      ending = this.#ending ?? error;
    }
    const result: GuestResult = { output, exitCode: 0, error: null, ...this.#sizes() };
    if (ending instanceof GuestExit) {
      result.exitCode = ending.code;
      result.output = this.#wasi.takeOutput();
      if (ending.code !== 0) result.error = this.#describeExit(ending.code);
    } else if (ending !== null) {
      result.exitCode = null;
      result.error =
        ending instanceof GuestFailure ? ending.sentence : describeTrap(ending, this.#wasi.panic());
    }
    if (result.error !== null) {
      if (result.refused) result.error = `memory limit of ${limitMb} MB exceeded (${result.error})`;
      // Output before an exit belongs to the caller; output before a trap may be incomplete.
      if (result.exitCode === null) result.output = noOutput();
      // What it has set with http_respond is for a body that nobody gets.
      if (ending instanceof OutputTooLarge) this.#need(this.#session).response = null;
    }
    this.#need(this.#session).log.finish();
    return result;
  }

  /**
   * Includes the last line on stderr, where language runtimes print why they exit, or the last
   * error that a guest without one has logged.
   */
  #describeExit(code: number): string {
    const reason = this.#wasi.lastErrorLine() || this.#host.lastErrorLine();
    return reason === '' ? `exited with code ${code}` : `exited with code ${code}: ${reason}`;
  }

  #sizes(): { pages: number; refused: boolean } {
    const { names, ownMaximum } = this.#need(this.#program);
    const read = (name: string | null) => {
      const global = name === null ? undefined : this.#instance?.exports[name];
      return isGlobal(global) ? Number(global.value) : null;
    };
    return {
      pages: read(names.pages) ?? this.memory.byteLength / WASM_PAGE_BYTES,
      refused: read(names.refused) === 1 && !ownMaximum,
    };
  }

  /**
   * Wraps each import to record what ended the guest, so that a guest that catches exceptions
   * cannot continue.
   */
  #guard(functions: Record<string, (...args: never[]) => unknown>) {
    const guarded: Record<string, (...args: never[]) => unknown> = {};
    for (const [name, run] of Object.entries(functions)) {
      guarded[name] = (...args: never[]) => {
        if (this.#ending !== null) throw this.#ending;
        try {
          return run(...args);
        } catch (error) {
          this.#ending = wildPointer(error)
            ? new GuestFailure(`trap: memory access out of bounds in ${name}`)
            : error;
          throw this.#ending;
        }
      };
    }
    return guarded;
  }

  #need<T>(value: T | null): T {
    if (value === null) throw new GuestFailure('the guest ran outside an invocation');
    return value;
  }
}

/**
 * Returns whether an error was caused by an invalid pointer, for which views throw a RangeError. A
 * stack overflow is also a RangeError and must be distinguished.
 */
function wildPointer(error: unknown): boolean {
  return error instanceof RangeError && !isStackOverflow(error);
}

function isStackOverflow(error: unknown): boolean {
  return error instanceof RangeError && error.message.includes('call stack');
}

/**
 * Rust ends a panic with the instruction unreachable, after it has printed the reason on stderr.
 */
function describeTrap(error: unknown, panic: string): string {
  if (isStackOverflow(error)) return 'trap: call stack exhausted';
  if (!(error instanceof Error)) return 'trap: an exception that nothing caught';
  const trap = `trap: ${error.message}`;
  return trap === 'trap: unreachable' && panic !== '' ? `${trap}: ${panic}` : trap;
}
