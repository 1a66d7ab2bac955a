import { collectAfter } from './collect.js';
import type { Guest } from './guest.js';
import { Restorer } from './image.js';
import { memoryOf } from './instance.js';
import type { Runner, WarmProgram } from './program.js';
import { reseed } from './reseed.js';
import type { GuestResult, Session } from './session.js';

/** An instance whose memory has grown by more than this is made anew: looking through its memory would cost more. */
const KEPT_GROWTH_BYTES = 8 << 20;

/**
 * Runs a program from a snapshot on an instance that is kept and put back after each run: all memory that the guest could
 * reach, all mutable globals. Modules with other state (tables, dropped segments) are never run this way. The memory may stay
 * larger than the guest believes it is: its own count of pages is one of the globals.
 */
export function createWarmRunner(program: WarmProgram, guest: Guest): Runner {
  const restorer = new Restorer(program.snapshot);
  let instance: WebAssembly.Instance | null = null;
  let clean = false;

  function makeReady(): WebAssembly.Instance {
    if (instance !== null && clean) return instance;
    if (instance === null) {
      instance = new WebAssembly.Instance(program.module, guest.imports);
      restorer.fill(bytesOf(instance));
    } else restorer.restore(bytesOf(instance));
    restorer.restoreGlobals(instance);
    clean = true;
    return instance;
  }

  return {
    run(session: Session): GuestResult {
      guest.begin(program, session);
      const enter = () => {
        const ready = makeReady();
        clean = false;
        guest.attach(ready);
        reseed(bytesOf(ready), program.generators, session.random);
      };
      const result =
        program.strategy === 'go-command'
          ? guest.runCommand(() => {
              enter();
              guest.call(program.names.resume, 0);
            })
          : guest.runHandler(enter);
      // Ended by a trap or by us: whatever state it is in, it is not worth understanding.
      if (result.exitCode === null) instance = null;
      return result;
    },
    reset() {
      const size = guest.memory.byteLength;
      guest.release();
      if (size - program.snapshot.memory.byteLength > KEPT_GROWTH_BYTES) instance = null;
      if (instance === null) collectAfter(size);
      // Made again at once if need be: the next invocation finds it ready.
      makeReady();
    },
    resetsAtOnce: () => false,
    keptBytes: () => (instance === null ? 0 : bytesOf(instance).length),
  };
}

function bytesOf(instance: WebAssembly.Instance): Uint8Array {
  return new Uint8Array(memoryOf(instance)?.buffer ?? new ArrayBuffer(0));
}
