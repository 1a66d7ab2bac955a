import { createFreshRunner } from './fresh.js';
import type { Guest } from './guest.js';
import type { Program, Runner } from './program.js';
import { createWarmRunner } from './warm.js';

/** The one interface over the strategies: how a program runs is its own affair. */
export function createRunner(program: Program, guest: Guest): Runner {
  return program.strategy === 'fresh' ? createFreshRunner(program, guest) : createWarmRunner(program, guest);
}
