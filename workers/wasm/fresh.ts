import type { Guest } from './guest.js';
import type { Program, Runner } from './program.js';
import type { GuestResult, Session } from './session.js';

/** The strategy that is always right, and which the others are held against: a new instance for each invocation. */
export function createFreshRunner(program: Program, guest: Guest): Runner {
  return {
    run(session: Session): GuestResult {
      guest.begin(program, session);
      const start = () => guest.attach(new WebAssembly.Instance(program.module, guest.imports));
      if (program.shape.kind === 'command') {
        return guest.runCommand(() => {
          start();
          guest.call('_start');
        });
      }
      return guest.runHandler(() => {
        start();
        if (program.shape.initialize) guest.call('_initialize');
      });
    },
    reset() {},
    keptBytes: () => 0,
  };
}
