import type { GuestMemory } from './memory.js';

/**
 * A 64-bit time in nanoseconds that a snapshot holds, of its own monotonic clock: when the runtime
 * started, when a timer is due. It is moved to the clock of the invocation, as if its instance had
 * been started just then.
 */
export interface TimeCell {
  address: number;
  /** How far it is from what the clock said last when the snapshot was taken. */
  distance: number;
}

/** Distances are kept as numbers, which are exact up to here; 26 days. */
export const MAX_DISTANCE = 2 ** 51;
const HALF = 2 ** 32;

export function moveTimeCells(memory: GuestMemory, cells: readonly TimeCell[], now: bigint): void {
  if (cells.length === 0) return;
  // In halves: BigInt arithmetic for each cell would cost a microsecond and more a run.
  const high = Number(BigInt.asUintN(64, now) >> 32n);
  const low = Number(now & 0xffff_ffffn);
  for (const { address, distance } of cells) {
    const sum = low + distance;
    const carry = Math.floor(sum / HALF);
    memory.setU32(address, sum - carry * HALF);
    memory.setU32(address + 4, high + carry);
  }
}
