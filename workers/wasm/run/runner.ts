import { WASM_PAGE_BYTES } from '../../../src/contract/limits.js';
import { cardTableOf } from '../instrument/dirty-cards.js';
import { collectAfter } from './collect.js';
import type { Guest } from './guest.js';
import { instantiate, memoryOf } from './instance.js';
import { reseedPrngStates } from './prng-states.js';
import type { Program, Runner } from './program.js';
import type { GuestResult, GuestSession } from './session.js';
import { Restorer } from './snapshot.js';
import { moveTimeCells } from './time-cells.js';

/** The memory size up to which restoring takes about as long as sending a notification. */
const AT_ONCE_BYTES = 2 << 20;

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
  const { snapshot, tableBytes } = program;
  const restorer = snapshot === null ? null : new Restorer(snapshot);
  /** An instance in its initial state. */
  let ready: WebAssembly.Instance | null = null;
  /** The instance of the last run, not restored yet. */
  let used: WebAssembly.Instance | null = null;

  const guestBytes = (instance: WebAssembly.Instance) => new Uint8Array(bufferOf(instance), tableBytes);

  function create(): WebAssembly.Instance {
    if (restorer !== null) return restorer.instantiate(program, guest.imports);
    return instantiate(program.module, guest.imports);
  }

  /** Creates the next instance. An error occurs again, and is reported, when the program runs. */
  function createAhead(): void {
    try {
      ready ??= create();
    } catch {
      ready = null;
    }
  }

  function enter({ random, clock }: GuestSession): void {
    used = ready ?? create();
    ready = null;
    guest.attach(used);
    if (program.strategy === 'fresh') guest.start();
    else {
      reseedPrngStates(guest.memory, program.prngStates, random);
      moveTimeCells(guest.memory, program.timeCells, clock.monotonic());
    }
  }

  function dispatch(session: GuestSession): GuestResult {
    switch (program.strategy) {
      case 'go-command':
        return guest.runCommand(() => {
          enter(session);
          guest.call(program.names.resume, 0);
        });
      case 'reactor':
        return guest.runHandler(() => enter(session));
      case 'fresh':
        if (program.shape.kind === 'reactor') {
          return guest.runHandler(() => {
            enter(session);
            if (program.shape.initialize) guest.call('_initialize');
          });
        }
        return guest.runCommand(() => {
          enter(session);
          guest.call('_start');
        });
    }
  }

  return {
    run(session: GuestSession): GuestResult {
      guest.begin(program, session);
      const result = dispatch(session);
      // After a trap or a termination by the engine, the instance is in an undefined state.
      if (result.exitCode === null) used = null;
      return result;
    },
    instantiate() {
      if (restorer !== null) createAhead();
    },
    reset() {
      const size = guest.memory.byteLength;
      guest.release();
      const grown = size > (snapshot?.pages ?? 0) * WASM_PAGE_BYTES;
      if (restorer === null || used === null || grown || !keeps) {
        used = null;
        collectAfter(size);
        // Created now, so that it is ready for the next invocation.
        if (restorer !== null && keeps) createAhead();
        return;
      }
      if (tableBytes > 0) restorer.restoreDirty(guestBytes(used), cardTableOf(bufferOf(used), tableBytes));
      else restorer.restore(guestBytes(used));
      restorer.restoreGlobals(used);
      ready = used;
      used = null;
    },
    resetsAtOnce: () => guest.memory.byteLength <= AT_ONCE_BYTES,
    keptBytes: () => (ready === null ? 0 : guestBytes(ready).length),
  };
}

function bufferOf(instance: WebAssembly.Instance): ArrayBuffer {
  return memoryOf(instance)?.buffer ?? new ArrayBuffer(0);
}
