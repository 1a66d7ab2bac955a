import { createFreshRunner } from './fresh.js';
import type { Guest } from './guest.js';
import type { Program, Runner } from './program.js';

/** The one interface over the strategies: how a program runs is its own affair. */
export function createRunner(program: Program, guest: Guest): Runner {
  switch (program.strategy) {
    case 'fresh':
      return createFreshRunner(program, guest);
  }
}
