import { createHash, randomInt } from 'node:crypto';
import type { StoredAlias } from '../ports/store/aliases.js';

/** Draws are made in hundredths of a percent, so that a hash has room to spread. */
const SHARES = 10_000;

/**
 * The version that one invocation of an alias runs: drawn by the alias's weights. Equal `sticky`
 * texts draw equal versions for as long as the alias does not change, and stay on a version whose
 * share grows.
 */
export function drawVersion({ version, weights, function: name }: StoredAlias, sticky?: string): number {
  const further = Object.entries(weights);
  if (further.length === 0) return version;
  let share = sticky === undefined ? randomInt(SHARES) : shareOf(`${name}:${sticky}`);
  for (const [candidate, percent] of further) {
    share -= (percent * SHARES) / 100;
    if (share < 0) return Number(candidate);
  }
  return version;
}

function shareOf(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0) % SHARES;
}
