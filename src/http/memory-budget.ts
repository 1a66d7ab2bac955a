import { MB } from '../contract/limits.js';

/** What the requests of one owner may hold of this process's memory, and those of all. */
export interface BudgetLimits {
  all: number;
  each: number;
}

/** Of bodies without a credential, by address. */
export const ANONYMOUS: BudgetLimits = { all: 64 * MB, each: 16 * MB };
/**
 * By namespace: of bodies that are being read, of forms until they are answered, and of files that
 * are on their way to their readers. Four namespaces are needed to take all of it.
 */
export const CREDENTIALED: BudgetLimits = { all: 512 * MB, each: 128 * MB };

/** The bytes of one request, held until it is over. */
export interface MemoryShare {
  /** False: there is no room for them. */
  take(bytes: number): boolean;
  release(): void;
}

/**
 * Counts bytes that others make this process hold, as they come: nobody may fill its memory, with a
 * credential or without.
 */
export interface MemoryBudget {
  share(owner: string): MemoryShare;
}

export function createMemoryBudget({ all, each }: BudgetLimits): MemoryBudget {
  let held = 0;
  const byOwner = new Map<string, number>();
  return {
    share(owner) {
      let own = 0;
      return {
        take(bytes) {
          const ofOwner = byOwner.get(owner) ?? 0;
          if (held + bytes > all || ofOwner + bytes > each) return false;
          held += bytes;
          own += bytes;
          byOwner.set(owner, ofOwner + bytes);
          return true;
        },
        release() {
          held -= own;
          const rest = (byOwner.get(owner) ?? 0) - own;
          if (rest > 0) byOwner.set(owner, rest);
          else byOwner.delete(owner);
          own = 0;
        },
      };
    },
  };
}
