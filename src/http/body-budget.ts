import { MB } from '../contract/limits.js';

/**
 * Maximum memory that the bodies of anonymous requests may take in this process: all together, and
 * per address.
 */
const ALL_BYTES = 64 * MB;
const ADDRESS_BYTES = 16 * MB;

/** The bytes of one body, held until its request ends. */
export interface BodyShare {
  /** Returns false if the bytes exceed the budget. */
  take(bytes: number): boolean;
  release(): void;
}

/**
 * Accounts the bytes of anonymous request bodies as they arrive, so that anonymous clients cannot
 * exhaust memory.
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
