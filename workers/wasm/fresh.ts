import { collectAfter, isLarge } from './collect.js';
import type { Guest } from './guest.js';
import type { Program, Runner } from './program.js';
import type { GuestResult, Session } from './session.js';

/** The strategy that is always right, and which the others are held against: a new instance for each invocation. */
export function createFreshRunner(program: Program, guest: Guest): Runner {
  return {
    run(session: Session): GuestResult {
      guest.begin(program, session);
      if (program.shape.kind === 'command') {
        return guest.runCommand(() => {
          guest.start(program.module);
          guest.call('_start');
        });
      }
      return guest.runHandler(() => {
        guest.start(program.module);
        if (program.shape.initialize) guest.call('_initialize');
      });
    },
    reset() {
      const garbage = guest.memory.byteLength;
      guest.release();
      collectAfter(garbage);
    },
    resetsAtOnce: () => !isLarge(guest.memory.byteLength),
    keptBytes: () => 0,
  };
}
