import { MB } from '../contract/limits.js';

/**
 * What all bodies without a credential may hold of this process's memory at once, and those of one
 * address.
 */
const ALL_BYTES = 64 * MB;
const ADDRESS_BYTES = 16 * MB;

/** The bytes of one body, held until its request is over. */
export interface BodyShare {
  /** False: there is no room for them. */
  take(bytes: number): boolean;
  release(): void;
}

/**
 * Counts the bytes of bodies that nobody has to answer for, as they come: a stranger must not fill
 * the memory.
 */
export interface BodyBudget {
  share(address: string): BodyShare;
}

export function createBodyBudget(all = ALL_BYTES, perAddress = ADDRESS_BYTES): BodyBudget {
  let held = 0;
  const byAddress = new Map<string, number>();
  return {
    share(address) {
      let own = 0;
      return {
        take(bytes) {
          const ofAddress = byAddress.get(address) ?? 0;
          if (held + bytes > all || ofAddress + bytes > perAddress) return false;
          held += bytes;
          own += bytes;
          byAddress.set(address, ofAddress + bytes);
          return true;
        },
        release() {
          held -= own;
          const rest = (byAddress.get(address) ?? 0) - own;
          if (rest > 0) byAddress.set(address, rest);
          else byAddress.delete(address);
          own = 0;
        },
      };
    },
  };
}
