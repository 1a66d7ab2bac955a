import type { Namespace } from '../../contract/ids.js';
import type { LogMessage } from '../../contract/invocation.js';
import { DAY_MS, MB } from '../../contract/limits.js';
import { quotaExceeded, quotaUse } from '../../contract/quotas.js';
import { isAppError } from '../../errors.js';
import type { Bus, Unsubscribe } from '../../ports/bus.js';
import type { Closable } from '../../ports/closable.js';
import type { QuotaStore } from '../../ports/store/quotas.js';
import { subscribe } from '../bus-subscription.js';
import type { Quotas } from '../quotas.js';

/** Announces a namespace whose quota is used up. */
const CHANNEL = 'log-quota';
/**
 * The interval at which a process adds what it has logged to the store, in milliseconds. The first
 * addition for a namespace, and the one that uses up the quota, is immediate.
 */
const SHARE_MS = 5000;
/**
 * Age at which the use of a namespace is read again, in milliseconds. Announcements make it
 * current earlier; this covers lost ones.
 */
const MAX_AGE_MS = 10_000;
/** The size of a line besides its text, in bytes. */
const LINE_OVERHEAD_BYTES = 64;

export interface LogQuotaDeps {
  store: QuotaStore;
  quotas: Quotas;
  bus: Bus;
}

/** The log bytes of a namespace on one UTC day, as this process knows them. */
interface Account {
  /** Days since 1970. */
  day: number;
  /** The bytes logged by all processes, as last read from the store. */
  shared: number;
  /** The bytes logged by this process that are not in the store yet. */
  own: number;
  /** Monotonic time of the last reading in milliseconds; null if there was none. */
  readAt: number | null;
  reading: Promise<void> | null;
  /** True if the quota was used up by this process and the others do not know it yet. */
  announce: boolean;
}

/** Enforces the quota `log_mb_per_day` per UTC day. */
export class LogQuota implements Closable {
  readonly #store: QuotaStore;
  readonly #quotas: Quotas;
  readonly #bus: Bus;
  readonly #accounts = new Map<Namespace, Account>();
  #sharing: Promise<void> | null = null;
  /** Whether sharing was requested while it was in progress. */
  #shareAgain = false;
  #timer: NodeJS.Timeout | undefined;
  #unsubscribe: Unsubscribe | undefined;

  private constructor({ store, quotas, bus }: LogQuotaDeps) {
    this.#store = store;
    this.#quotas = quotas;
    this.#bus = bus;
  }

  static async open(deps: LogQuotaDeps): Promise<LogQuota> {
    const quota = new LogQuota(deps);
    const expire = (namespace: string) => quota.#expire(namespace as Namespace);
    quota.#unsubscribe = await subscribe(deps.bus, { [CHANNEL]: expire }, () => {
      for (const namespace of quota.#accounts.keys()) quota.#expire(namespace);
    });
    return quota;
  }

  /**
   * Throws `quota_exceeded` (429) with the seconds until the UTC day ends, if the log lines of the
   * day have used up the quota. Resolves if the store is unreachable and the use therefore unknown.
   */
  async assertCapacity(namespace: Namespace): Promise<void> {
    const limit = await this.#limit(namespace);
    const account = this.#accountOf(namespace);
    if (!isFresh(account)) {
      const reading = this.#read(namespace, account);
      // Only the first reading is waited for, so that a slow store does not delay every call.
      if (account.readAt === null) await reading;
    }
    const used = account.shared + account.own;
    if (used < limit * MB) return;
    const retryAfter = Math.ceil((DAY_MS - (Date.now() % DAY_MS)) / 1000);
    throw quotaExceeded('log_mb_per_day', { namespace, limit, used: used / MB, retryAfter });
  }

  /**
   * Returns the log lines to store with an attempt: all of them, or a single line that says that
   * they are left out. The first attempt whose lines do not fit uses up the quota. The attempt
   * itself is always recorded, because the record ends the invocation. Several processes together
   * may exceed the quota by what they log in 5 s.
   */
  async admit(namespace: Namespace, messages: LogMessage[]): Promise<LogMessage[]> {
    if (messages.length === 0) return messages;
    const limit = await this.#limit(namespace);
    const account = this.#accountOf(namespace);
    const bytes = sizeOf(messages);
    const used = account.shared + account.own;
    const left = limit * MB - used;
    if (bytes <= left) {
      account.own += bytes;
      this.#shareIn(account.readAt === null ? 0 : SHARE_MS);
      return messages;
    }
    if (left > 0) {
      account.own += left;
      account.announce = true;
      this.#shareIn(0);
    }
    return [omittedLines(namespace, messages.length, { limit, used: used / MB })];
  }

  async close(): Promise<void> {
    await this.#unsubscribe?.();
    clearTimeout(this.#timer);
    await this.#sharing;
    await this.#share();
    clearTimeout(this.#timer);
  }

  async #limit(namespace: Namespace): Promise<number> {
    return (this.#quotas.peek(namespace) ?? (await this.#quotas.limits(namespace))).log_mb_per_day;
  }

  #accountOf(namespace: Namespace): Account {
    const day = Math.floor(Date.now() / DAY_MS);
    const known = this.#accounts.get(namespace);
    if (known?.day === day) return known;
    const account = { day, shared: 0, own: 0, readAt: null, reading: null, announce: false };
    this.#accounts.set(namespace, account);
    return account;
  }

  #expire(namespace: Namespace): void {
    const account = this.#accounts.get(namespace);
    if (account) void this.#read(namespace, account);
  }

  /** Reads what all processes have logged. If the store is unreachable, the last value stays. */
  #read(namespace: Namespace, account: Account): Promise<void> {
    account.reading ??= this.#store
      .logBytes(namespace, dateOf(account.day))
      .then(
        (bytes) => {
          account.shared = Math.max(account.shared, bytes);
        },
        () => undefined,
      )
      .finally(() => {
        account.readAt = performance.now();
        account.reading = null;
      });
    return account.reading;
  }

  #shareIn(ms: number): void {
    if (ms === 0) clearTimeout(this.#timer);
    else if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => void this.#share(), ms).unref();
  }

  #share(): Promise<void> {
    this.#timer = undefined;
    if (this.#sharing !== null) {
      // It may have passed the account that is to be shared now.
      this.#shareAgain = true;
      return this.#sharing;
    }
    this.#shareAgain = false;
    this.#sharing = this.#shareAll().finally(() => {
      this.#sharing = null;
      if (this.#shareAgain) this.#shareIn(0);
    });
    return this.#sharing;
  }

  async #shareAll(): Promise<void> {
    for (const [namespace, account] of this.#accounts) {
      const { own, day, announce } = account;
      if (own === 0) continue;
      try {
        account.shared = await this.#store.addLogBytes(namespace, dateOf(day), own);
      } catch (error) {
        // The store is unreachable; the bytes are added at the next attempt.
        if (!isAppError(error, 'ambiguous_write')) {
          this.#shareIn(SHARE_MS);
          continue;
        }
        // Perhaps they were added. Adding them twice would refuse calls before the quota is used
        // up.
        account.shared += own;
      }
      account.own -= own;
      account.readAt = performance.now();
      if (!announce) continue;
      account.announce = false;
      await this.#bus.publish(CHANNEL, namespace).catch(() => undefined);
    }
  }
}

function isFresh({ readAt }: Account): boolean {
  return readAt !== null && performance.now() - readAt < MAX_AGE_MS;
}

/** Returns for example `2026-01-31`. */
function dateOf(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

function sizeOf(messages: readonly LogMessage[]): number {
  return messages.reduce((sum, { message }) => sum + Buffer.byteLength(message) + LINE_OVERHEAD_BYTES, 0);
}

function omittedLines(namespace: Namespace, lines: number, use: { limit: number; used: number }): LogMessage {
  return {
    level: 'warn',
    message: `${lines} lines are left out of this log. ${quotaUse('log_mb_per_day', { namespace, ...use })}. No more lines are stored today (UTC).`,
    timestamp: new Date().toISOString(),
  };
}
