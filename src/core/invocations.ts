import type { FunctionName, Namespace, RequestId } from '../contract/ids.js';
import type { FinalState, InvocationRecord, InvocationState } from '../contract/invocation.js';
import { globMatches } from '../contract/scopes.js';
import { AppError } from '../errors.js';
import type { Backlog } from '../ports/backlog.js';
import type { InvocationQueue, LiveInvocation } from '../ports/queue.js';
import type { AttemptStore, StoredInvocation } from '../ports/store/attempts.js';
import type { CallbackStore } from '../ports/store/callbacks.js';
import { decodeCursor, encodeCursor } from './cursor.js';
import type { Finisher, InvocationEnd } from './finish.js';
import { endedRecord, liveRecord } from './invocation-record.js';
import { endNumber, newAttempt } from './new-attempt.js';
import { endRemoved, REMOVED } from './removed.js';

export interface ListRequest {
  namespace: Namespace;
  function?: FunctionName;
  /** Only functions that match one of these patterns. */
  functions?: readonly string[];
  state?: InvocationState;
  /** Only dead invocations with this reason. */
  reason?: string;
  /** Bounds of the accept time in Unix milliseconds: `since` inclusive, `before` exclusive. */
  since?: number;
  before?: number;
  /** Only invocations caused by this one. */
  parentId?: RequestId;
  /** Only invocations triggered by this message. */
  messageId?: RequestId;
  limit: number;
  cursor?: string;
}

export interface InvocationPage {
  items: InvocationRecord[];
  nextCursor: string | null;
}

/** Invocations as a resource: live ones on the queue and ended ones in the store. */
export interface Invocations {
  /** Throws `not_found`, also for invocations of other namespaces. */
  get(namespace: Namespace, id: RequestId): Promise<InvocationRecord>;
  /** Lists live invocations followed by ended ones, newest first. */
  list(request: ListRequest): Promise<InvocationPage>;
  /** Throws `conflict` if the invocation has ended. */
  cancel(namespace: Namespace, id: RequestId): Promise<void>;
  /**
   * Cancels the waiting invocations of a deleted function, up to its last version. Running ones
   * continue.
   */
  cancelWaiting(namespace: Namespace, fn: FunctionName, lastVersion: number): Promise<void>;
}

export interface InvocationsDeps {
  queue: InvocationQueue;
  attempts: AttemptStore;
  callbacks: CallbackStore;
  finisher: Finisher;
  /** Holds records of ended invocations that are not in the store yet. */
  backlog: Pick<Backlog, 'size'>;
}

const PAGE = 100;

const LIVE_STATES: readonly InvocationState[] = ['queued', 'running', 'retrying'];

export function createInvocations(deps: InvocationsDeps): Invocations {
  const { queue, attempts, callbacks, finisher, backlog } = deps;
  const end = endRemoved({ attempts, finisher, backlog });
  const find = async (namespace: Namespace, id: RequestId) => {
    // Query the queue first: a job leaves it only after its end is in the store.
    const live = await queue.get(id);
    let stored = await attempts.invocation(id);
    if (live === null && !stored?.attempts.at(-1)?.final) {
      const removed = await queue.removed(namespace, id);
      if (removed !== null && (await end(removed))) stored = await attempts.invocation(id);
    }
    const ended = stored?.attempts.at(-1)?.final ? stored : null;
    const owner = live?.invocation.namespace ?? stored?.attempts[0]?.namespace;
    if (owner !== namespace || (!live && !stored)) {
      throw new AppError(
        'not_found',
        `There is no invocation ${id} in namespace "${namespace}"; logs and results are kept for a limited time.`,
      );
    }
    return { live, stored, ended };
  };

  return {
    async get(namespace, id) {
      const { live, stored, ended } = await find(namespace, id);
      const callbackOf = async () => (await callbacks.get([id])).get(id);
      if (ended) return endedRecord(ended, await callbackOf());
      if (live) return liveRecord(live, stored, { isWhole: true });
      // A job leaves the queue only after its end is in the store, or in the backlog from which it
      // is shipped to the store.
      const mayBeInBacklog = (await backlog.size()) > 0;
      const last = await attempts.invocation(id);
      if (last?.attempts.at(-1)?.final) return endedRecord(last, await callbackOf());
      return missingEndRecord(last ?? stored ?? { attempts: [] }, mayBeInBacklog);
    },

    async list({ namespace, state, cursor, limit, ...filter }) {
      const position = decodeCursor(cursor);
      const items: InvocationRecord[] = [];
      if (position.part === 'live') {
        if (state === undefined || LIVE_STATES.includes(state)) {
          const page = await queue.list(namespace, {
            limit,
            ...(position.at ? { cursor: position.at } : {}),
            ...(filter.function ? { function: filter.function } : {}),
          });
          for (const live of page.items)
            if (matches(live, { state, ...filter })) items.push(liveRecord(live, null, { isWhole: false }));
          if (page.next !== null) return { items, nextCursor: encodeCursor({ part: 'live', at: page.next }) };
        }
        if (state !== undefined && LIVE_STATES.includes(state)) return { items, nextCursor: null };
        if (items.length >= limit) return { items, nextCursor: encodeCursor({ part: 'ended', at: '' }) };
      }
      const page = await attempts.list({
        namespace,
        limit: limit - items.length,
        ...filter,
        ...(state === undefined ? {} : { state: state as FinalState }),
        ...(position.part === 'ended' && position.at ? { cursor: position.at } : {}),
      });
      // A job leaves the queue after its end has been stored; if an invocation is in both, it has
      // ended.
      const ids = new Set(page.items.flatMap(({ attempts: [first] }) => (first ? [first.requestId] : [])));
      const delivered = await callbacks.get([...ids]);
      const ended = page.items.map((item) =>
        endedRecord(item, delivered.get(item.attempts[0]?.requestId ?? '')),
      );
      return {
        items: [...items.filter((record) => !ids.has(record.request_id)), ...ended],
        nextCursor: page.nextCursor === null ? null : encodeCursor({ part: 'ended', at: page.nextCursor }),
      };
    },

    async cancelWaiting(namespace, fn, lastVersion) {
      let cursor: string | undefined;
      do {
        const page = await queue.list(namespace, {
          limit: PAGE,
          function: fn,
          ...(cursor === undefined ? {} : { cursor }),
        });
        for (const live of page.items) {
          if (live.state === 'running' || live.invocation.version > lastVersion) continue;
          if ((await queue.cancel(live.invocation.id)) === 'removed')
            await finisher.finish(cancelledEnding(live));
        }
        cursor = page.next ?? undefined;
      } while (cursor !== undefined);
    },

    async cancel(namespace, id) {
      const { live, ended } = await find(namespace, id);
      const outcome = live && !ended ? await queue.cancel(id) : 'absent';
      switch (outcome) {
        case 'removed':
          if (live) await finisher.finish(cancelledEnding(live));
          return;
        case 'running':
          return;
        case 'absent':
          throw new AppError('conflict', `The invocation ${id} has ended and can no longer be cancelled.`);
      }
    },
  };
}

/**
 * Returns the record of an invocation without a job and without a final row: its job was removed
 * with a BullMQ tool.
 */
function missingEndRecord(stored: StoredInvocation, isOnItsWay: boolean): InvocationRecord {
  const record = endedRecord(stored);
  if (isOnItsWay) return { ...record, state: 'running' };
  return { ...record, state: 'cancelled', error: REMOVED };
}

/**
 * Returns the end of an invocation that never ran or is between two attempts; its row is numbered
 * after those attempts.
 */
function cancelledEnding({ invocation, failures, crashes }: LiveInvocation): InvocationEnd {
  return {
    invocation,
    function: null,
    row: newAttempt(invocation, endNumber(failures + crashes), 'cancelled'),
    outcome: 'cancelled',
    output: new Uint8Array(),
  };
}

function matches(
  live: LiveInvocation,
  filter: {
    state: InvocationState | undefined;
    functions?: readonly string[];
    since?: number;
    before?: number;
    parentId?: RequestId;
    messageId?: RequestId;
  },
) {
  const { acceptedAt, function: name, parentId, messageId } = live.invocation;
  return (
    (filter.functions ?? [name]).some((pattern) => globMatches(pattern, name)) &&
    (filter.parentId === undefined || parentId === filter.parentId) &&
    (filter.messageId === undefined || messageId === filter.messageId) &&
    (filter.state === undefined || live.state === filter.state) &&
    acceptedAt >= (filter.since ?? 0) &&
    acceptedAt < (filter.before ?? Number.POSITIVE_INFINITY)
  );
}
