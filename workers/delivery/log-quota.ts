import type { Namespace } from '../../src/contract/ids.js';
import type { LogMessage } from '../../src/contract/invocation.js';
import { MB } from '../../src/contract/limits.js';
import { quotaExceeded } from '../../src/contract/quotas.js';
import type { Quotas } from '../../src/core/quotas.js';
import type { Closable } from '../../src/ports/closable.js';
import type { QuotaStore } from '../../src/ports/store/quotas.js';

/**
 * The interval at which processes exchange, through the store, what they have logged; the first
 * exchange of a namespace is immediate. In milliseconds.
 */
const SHARE_MS = 5000;
/** The size of a line besides its text, in bytes. */
const LINE_OVERHEAD_BYTES = 64;

/** Enforces the quota `log_mb_per_day` per UTC day. */
export interface LogQuota extends Closable {
  /**
   * Returns the log lines to store with an attempt: all of them, or beyond the quota a single line
   * that says so. The attempt itself is always recorded, because the record ends the invocation.
   * Several processes together may exceed the quota by what they log in 5 s.
   */
  admit(namespace: Namespace, messages: LogMessage[]): Promise<LogMessage[]>;
}

interface Account {
  day: string;
  /** The bytes logged by all processes, as last read from the store. */
  shared: number;
  /** The bytes logged by this process that are not in the store yet. */
  own: number;
}

/** Creates the log quota of this process. */
export function createLogQuota({ store, quotas }: { store: QuotaStore; quotas: Quotas }): LogQuota {
  const accounts = new Map<Namespace, Account>();
  let sharing: Promise<void> | null = null;
  let timer: NodeJS.Timeout | undefined;

  const accountOf = (namespace: Namespace): Account => {
    const day = new Date().toISOString().slice(0, 10);
    const known = accounts.get(namespace);
    if (known?.day === day) return known;
    const account = { day, shared: 0, own: 0 };
    accounts.set(namespace, account);
    // What other processes have logged today is still unknown.
    shareIn(0);
    return account;
  };

  const shareIn = (ms: number) => {
    if (ms === 0) clearTimeout(timer);
    else if (timer !== undefined) return;
    timer = setTimeout(() => void share(), ms).unref();
  };

  const share = (): Promise<void> => {
    timer = undefined;
    sharing ??= shareAll().finally(() => {
      sharing = null;
    });
    return sharing;
  };

  const shareAll = async () => {
    for (const [namespace, account] of accounts) {
      const { own, day } = account;
      if (own === 0) continue;
      account.own = 0;
      try {
        account.shared = await store.addLogBytes(namespace, day, own);
      } catch {
        // The store is unreachable; the bytes are added at the next attempt.
        account.own += own;
        shareIn(SHARE_MS);
      }
    }
  };

  return {
    async admit(namespace, messages) {
      if (messages.length === 0) return messages;
      const { log_mb_per_day: limit } = await quotas.limits(namespace);
      const account = accountOf(namespace);
      const bytes = sizeOf(messages);
      const used = account.shared + account.own;
      if (used + bytes > limit * MB)
        return [omittedLines(namespace, messages.length, { limit, used: used / MB })];
      account.own += bytes;
      shareIn(SHARE_MS);
      return messages;
    },
    async close() {
      clearTimeout(timer);
      await sharing;
      await share();
      clearTimeout(timer);
    },
  };
}

function sizeOf(messages: readonly LogMessage[]): number {
  return messages.reduce((sum, { message }) => sum + Buffer.byteLength(message) + LINE_OVERHEAD_BYTES, 0);
}

function omittedLines(namespace: Namespace, lines: number, use: { limit: number; used: number }): LogMessage {
  const { message } = quotaExceeded('log_mb_per_day', { namespace, ...use });
  return {
    level: 'warn',
    message: `${lines} lines are left out of this log. ${message}`,
    timestamp: new Date().toISOString(),
  };
}
