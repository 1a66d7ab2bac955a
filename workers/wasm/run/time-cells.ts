import type { GuestMemory } from './memory.js';

/**
 * The times that a snapshot holds, of its own monotonic clock: when the runtime started, when timers are due. They are moved to the
 * clock of the invocation, as if its instance had been started just then.
 */
export interface TimeCells {
  /** Addresses of 64-bit times in nanoseconds. */
  addresses: readonly number[];
  /** What the clock said last when the snapshot was taken. */
  takenAt: bigint;
}

export function moveTimeCells(memory: GuestMemory, { addresses, takenAt }: TimeCells, now: bigint): void {
  if (addresses.length === 0) return;
  const by = now - takenAt;
  for (const address of addresses) {
    const time = memory.view.getBigUint64(address, true);
    memory.setU64(address, BigInt.asUintN(64, time + by));
  }
}
