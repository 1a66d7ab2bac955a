import { MB, WASM_PAGE_BYTES } from '../../../src/contract/limits.js';
import { cardTableOf } from '../instrument/dirty-cards.js';
import { collectAfter } from './collect.js';
import type { Guest } from './guest.js';
import { instantiate, memoryOf } from './instance.js';
import { reseedPrngStates } from './prng-states.js';
import type { Program, Runner } from './program.js';
import type { GuestResult } from './session.js';
import { Restorer } from './snapshot.js';
import { moveTimeCells } from './time-cells.js';

/** The memory size up to which restoring takes about as long as sending a notification. */
const AT_ONCE_BYTES = 2 * MB;

/**
 * Creates the runner of a program, for all start strategies. With a snapshot, the instance is kept
 * and restored after each run: all memory that the guest has written, determined by dirty cards or
 * by comparison, and all mutable globals. An instance is not kept when its memory has grown,
 * because memory cannot shrink and accesses beyond the size of a new instance must trap, nor when
 * the guest did not end by itself. Modules with other state (tables, dropped segments) have no
 * snapshot and get a new instance for each run.
 *
 * @param keeps Whether to keep instances; false creates one per run for any program.
 */
export function createRunner(program: Program, guest: Guest, { keeps = true } = {}): Runner {
  return new InstanceRunner(program, guest, keeps);
}

class InstanceRunner implements Runner {
  readonly program: Program;
  readonly #guest: Guest;
  readonly #keeps: boolean;
  readonly #restorer: Restorer | null;
  /** An instance in its initial state. */
  #ready: WebAssembly.Instance | null = null;
  /** The instance of the last run, not restored yet. */
  #used: WebAssembly.Instance | null = null;

  constructor(program: Program, guest: Guest, keeps: boolean) {
    this.program = program;
    this.#guest = guest;
    this.#keeps = keeps;
    this.#restorer = program.snapshot === null ? null : new Restorer(program.snapshot);
  }

  run(): GuestResult {
    const result = this.#dispatch();
    // After a trap or a termination by the engine, the instance is in an undefined state.
    if (result.exitCode === null) this.#used = null;
    return result;
  }

  instantiate(): void {
    if (this.#restorer !== null) this.#createAhead();
  }

  reset(): void {
    const { snapshot, tableBytes } = this.program;
    const size = this.#guest.memory.byteLength;
    this.#guest.release();
    const grown = size > (snapshot?.pages ?? 0) * WASM_PAGE_BYTES;
    if (this.#restorer === null || this.#used === null || grown || !this.#keeps) {
      this.#used = null;
      collectAfter(size);
      // Created now, so that it is ready for the next invocation.
      if (this.#restorer !== null && this.#keeps) this.#createAhead();
      return;
    }
    const memory = this.#guestBytes(this.#used);
    if (tableBytes > 0) this.#restorer.restoreDirty(memory, cardTableOf(bufferOf(this.#used), tableBytes));
    else this.#restorer.restore(memory);
    this.#restorer.restoreGlobals(this.#used);
    this.#ready = this.#used;
    this.#used = null;
  }

  resetsAtOnce(): boolean {
    return this.#guest.memory.byteLength <= AT_ONCE_BYTES;
  }

  keptBytes(): number {
    return this.#ready === null ? 0 : this.#guestBytes(this.#ready).length;
  }

  #dispatch(): GuestResult {
    const { strategy, shape, names } = this.program;
    switch (strategy) {
      case 'go-command':
        return this.#guest.runCommand(() => {
          this.#enter();
          this.#guest.call(names.resume, 0);
        });
      case 'reactor':
        return this.#guest.runHandler(() => this.#enter());
      case 'fresh':
        if (shape.kind === 'reactor') {
          return this.#guest.runHandler(() => {
            this.#enter();
            if (shape.initialize) this.#guest.call('_initialize');
          });
        }
        return this.#guest.runCommand(() => {
          this.#enter();
          this.#guest.call('_start');
        });
    }
  }

  #enter(): void {
    const { program } = this;
    this.#used = this.#ready ?? this.#create();
    this.#ready = null;
    this.#guest.attach(this.#used);
    if (program.strategy === 'fresh') this.#guest.start();
    else {
      const { random, clock } = this.#guest.conditions;
      reseedPrngStates(this.#guest.memory, program.prngStates, random);
      moveTimeCells(this.#guest.memory, program.timeCells, clock.monotonic());
    }
  }

  #create(): WebAssembly.Instance {
    const { imports } = this.#guest;
    if (this.#restorer !== null) return this.#restorer.instantiate(this.program, imports);
    return instantiate(this.program.module, imports);
  }

  /** Creates the next instance. An error occurs again, and is reported, when the program runs. */
  #createAhead(): void {
    try {
      this.#ready ??= this.#create();
    } catch {
      this.#ready = null;
    }
  }

  #guestBytes(instance: WebAssembly.Instance): Uint8Array {
    return new Uint8Array(bufferOf(instance), this.program.tableBytes);
  }
}

function bufferOf(instance: WebAssembly.Instance): ArrayBuffer {
  return memoryOf(instance)?.buffer ?? new ArrayBuffer(0);
}
