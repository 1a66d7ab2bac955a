import { createHash, randomInt } from 'node:crypto';
import type { StoredAlias } from '../../ports/store/aliases.js';

/** Weights are resolved in hundredths of a percent, for a finer distribution of hashes. */
const SHARES = 10_000;

/**
 * Chooses the version of one invocation by the alias's weights. Equal `sticky` texts give equal
 * versions while the alias is unchanged, and stay on a version whose weight increases.
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
