import { MB } from '../contract/limits.js';

/** Memory limits of the requests of one owner and of all owners. */
export interface BudgetLimits {
  all: number;
  each: number;
}

/** Bodies without a credential, by address. */
export const ANONYMOUS: BudgetLimits = { all: 64 * MB, each: 16 * MB };
/** Replies to callers without a credential until they have read them, by address. */
export const ANONYMOUS_REPLIES: BudgetLimits = { all: 256 * MB, each: 32 * MB };
/**
 * By namespace: bodies until their requests are answered, or only until they have been read if they
 * become input of jobs, and replies until clients have read them. At least four namespaces are
 * needed to use all of it.
 */
export const CREDENTIALED: BudgetLimits = { all: 512 * MB, each: 128 * MB };

/**
 * By namespace: arguments of host calls until these return, HTTP responses while they arrive, and
 * replies that guests have not read.
 */
export const HOST_CALLS: BudgetLimits = { all: 512 * MB, each: 128 * MB };

/** The bytes that one request, reply or message holds in memory. */
export interface BufferReservation {
  /** Returns false if the bytes exceed the budget. */
  take(bytes: number): boolean;
  release(): void;
}

/**
 * Accounts the bytes that clients make this process hold, as they arrive, so that neither anonymous
 * nor authenticated clients can exhaust memory.
 */
export interface BufferBudget {
  /** Returns a reservation of no bytes yet. */
  reserve(owner: string): BufferReservation;
}

export function createBufferBudget({ all, each }: BudgetLimits): BufferBudget {
  let held = 0;
  const byOwner = new Map<string, number>();
  return {
    reserve(owner) {
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
