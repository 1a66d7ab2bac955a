import type { GuestMemory } from './memory.js';

/**
 * A 64-bit time in nanoseconds of the monotonic clock in a snapshot, such as when the runtime
 * started or when a timer is due. It is moved to the clock of the invocation, as if the instance
 * had just been started.
 */
export interface TimeCell {
  address: number;
  /**
   * The distance from the last reading of the clock when the snapshot was taken, in nanoseconds.
   */
  distance: number;
}

/** Distances are stored as numbers, which are exact up to this; 26 days. */
export const MAX_DISTANCE = 2 ** 51;
const HALF = 2 ** 32;

/** Writes the times of all cells, relative to `now` (the monotonic clock, in nanoseconds). */
export function moveTimeCells(memory: GuestMemory, cells: readonly TimeCell[], now: bigint): void {
  if (cells.length === 0) return;
  // In 32-bit halves, because BigInt arithmetic for each cell would add a microsecond or more to a
  // run.
  const high = Number(BigInt.asUintN(64, now) >> 32n);
  const low = Number(now & 0xffff_ffffn);
  for (const { address, distance } of cells) {
    const sum = low + distance;
    const carry = Math.floor(sum / HALF);
    memory.setU32(address, sum - carry * HALF);
    memory.setU32(address + 4, high + carry);
  }
}
