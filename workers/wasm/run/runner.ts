import { WASM_PAGE_BYTES } from '../../../src/contract/limits.js';
import { cardTableOf } from '../instrument/dirty-cards.js';
import { collectAfter } from './collect.js';
import type { Guest } from './guest.js';
import { Restorer } from './image.js';
import { memoryOf } from './instance.js';
import { reseedPrngStates } from './prng-states.js';
import type { Program, Runner } from './program.js';
import type { GuestResult, Session } from './session.js';
import { moveTimeCells } from './time-cells.js';

/** Putting so much memory back takes about as long as it would take to say that it is done. */
const AT_ONCE_BYTES = 2 << 20;

/**
 * The one interface over the strategies. With a snapshot the instance is kept and put back after
 * each run: all memory that the guest has written, as dirty cards or a comparison tell, and all
 * mutable globals. An instance is not kept when its memory has grown, since memory cannot shrink
 * and accesses beyond the size of a new instance must trap, nor when the guest was ended rather
 * than ending by itself. Modules with other state (tables, dropped segments) have no snapshot and
 * get an instance for each run. `keeps: false` makes one for each run of any program.
 */
export function createRunner(program: Program, guest: Guest, { keeps = true } = {}): Runner {
  const { snapshot, tableBytes } = program;
  const restorer = snapshot === null ? null : new Restorer(snapshot);
  /** In the state that a run begins with. */
  let ready: WebAssembly.Instance | null = null;
  /** In the state that the last run left. */
  let used: WebAssembly.Instance | null = null;

  const guestBytes = (instance: WebAssembly.Instance) => new Uint8Array(bufferOf(instance), tableBytes);

  function create(): WebAssembly.Instance {
    if (restorer !== null) return restorer.instantiate(program, guest.imports);
    return new WebAssembly.Instance(program.module, guest.imports);
  }

  function enter({ random, clock }: Session): void {
    used = ready ?? create();
    ready = null;
    guest.attach(used);
    if (program.strategy === 'fresh') guest.start();
    else {
      reseedPrngStates(guest.memory, program.prngStates, random);
      moveTimeCells(guest.memory, program.timeCells, clock.monotonic());
    }
  }

  function dispatch(session: Session): GuestResult {
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
    run(session: Session): GuestResult {
      guest.begin(program, session);
      const result = dispatch(session);
      // Ended by a trap or by us: whatever state it is in, it is not worth understanding.
      if (result.exitCode === null) used = null;
      return result;
    },
    prepare() {
      if (restorer !== null) ready ??= create();
    },
    reset() {
      const size = guest.memory.byteLength;
      guest.release();
      const grown = size > (snapshot?.pages ?? 0) * WASM_PAGE_BYTES;
      if (restorer === null || used === null || grown || !keeps) {
        used = null;
        collectAfter(size);
        // Made again at once: the next invocation finds it ready.
        if (restorer !== null && keeps) ready = create();
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
