import { setTimeout as sleep } from 'node:timers/promises';
import type { FunctionName, Namespace, RequestId } from '../../contract/ids.js';
import type { InvocationRecord } from '../../contract/invocation.js';
import { AppError } from '../../errors.js';
import type { Backlog } from '../../ports/backlog.js';
import type { InvocationQueue, LiveInvocation, RemovedHandler } from '../../ports/queue.js';
import type { AttemptStore, StoredInvocation } from '../../ports/store/attempts.js';
import type { CallbackStore } from '../../ports/store/callbacks.js';
import type { Finisher, InvocationEnd } from './finish.js';
import { type InvocationPage, InvocationPages, type ListRequest } from './invocation-pages.js';
import { endedRecord, liveRecord } from './invocation-record.js';
import { newEnd } from './new-attempt.js';
import { readRecorded } from './read-recorded.js';
import { endRemoved, REMOVED } from './removed.js';

export interface InvocationsDeps {
  queue: InvocationQueue;
  attempts: AttemptStore;
  callbacks: CallbackStore;
  finisher: Pick<Finisher, 'finish'>;
  /** Holds records of ended invocations that are not in the store yet. */
  backlog: Pick<Backlog, 'size'>;
}

const PAGE = 100;
/** How long a cancellation waits for the end of a running invocation, in milliseconds. */
const CANCEL_WAIT_MS = 3000;
/** The first and the longest pause between two looks at it, in milliseconds. */
const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 200;

/** Invocations as a resource: live ones on the queue and ended ones in the store. */
export class Invocations {
  readonly #deps: InvocationsDeps;
  readonly #pages: InvocationPages;
  readonly #endRemoved: RemovedHandler;

  constructor(deps: InvocationsDeps) {
    this.#deps = deps;
    this.#pages = new InvocationPages(deps);
    this.#endRemoved = endRemoved(deps);
  }

  /** Throws `not_found`, also for invocations of other namespaces. */
  async get(namespace: Namespace, id: RequestId): Promise<InvocationRecord> {
    const { attempts, backlog } = this.#deps;
    const { live, stored, ended } = await this.#find(namespace, id);
    if (ended) return this.#endedRecord(ended, id);
    if (live) return liveRecord(live, stored, { isWhole: true });
    // A job leaves the queue only after its end is in the store, or in the backlog from which it
    // is shipped to the store.
    const mayBeInBacklog = (await backlog.size()) > 0;
    const last = await attempts.invocation(id);
    if (last?.attempts.at(-1)?.final) return this.#endedRecord(last, id);
    return missingEndRecord(last ?? stored ?? { attempts: [] }, mayBeInBacklog);
  }

  /** Lists live invocations followed by ended ones, newest first. */
  list(request: ListRequest): Promise<InvocationPage> {
    return this.#pages.get(request);
  }

  /**
   * Throws `conflict` if the invocation has ended, or ends by itself before its worker stops it. If
   * the worker does not respond, resolves after a few seconds; it stops the invocation later.
   */
  async cancel(namespace: Namespace, id: RequestId): Promise<void> {
    const { queue, finisher } = this.#deps;
    const recordEnd = (removed: LiveInvocation) => finisher.finish(cancelledEnd(removed));
    const giveUpAt = performance.now() + CANCEL_WAIT_MS;
    let isRequested = false;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      const { live, ended } = await this.#find(namespace, id);
      if (ended && isRequested && ended.attempts.at(-1)?.final?.state === 'cancelled') return;
      if (ended) throw hasEnded(id);
      if (!isRequested || live?.state !== 'running') {
        const outcome = live ? await queue.cancel(id, recordEnd) : 'absent';
        if (outcome === 'removed') return;
        if (outcome === 'absent' && !isRequested) throw hasEnded(id);
        isRequested = true;
      }
      // A guest may have ended before its worker could stop it. Only the recorded end tells.
      if (performance.now() > giveUpAt) return;
      await sleep(pauseMs);
    }
  }

  /**
   * Cancels the waiting invocations of a deleted function, up to its last version. Running ones
   * continue.
   */
  async cancelWaiting(namespace: Namespace, fn: FunctionName, lastVersion: number): Promise<void> {
    const { queue, finisher } = this.#deps;
    let cursor: string | undefined;
    do {
      const page = await queue.list(namespace, {
        limit: PAGE,
        function: fn,
        ...(cursor === undefined ? {} : { cursor }),
      });
      for (const live of page.items) {
        if (live.state === 'running' || live.invocation.version > lastVersion) continue;
        await queue.cancel(live.invocation.id, (removed) => finisher.finish(cancelledEnd(removed)));
      }
      cursor = page.next ?? undefined;
    } while (cursor !== undefined);
  }

  /** Throws `not_found`. An invocation that is both on the queue and `ended` has ended. */
  async #find(namespace: Namespace, id: RequestId): Promise<Found> {
    const { queue, attempts } = this.#deps;
    // Query the queue first: a job leaves it only after its end is in the store.
    let live = await queue.get(id);
    let stored = await attempts.invocation(id);
    if (live === null && !stored?.attempts.at(-1)?.final) {
      live = await queue.findCancelling(id);
      const removed = live === null ? await queue.findRemoved(namespace, id) : null;
      if (removed !== null && (await this.#endRemoved(removed))) stored = await attempts.invocation(id);
    }
    if (live === null && stored === null) stored = await readRecorded(this.#deps, id);
    const ended = stored?.attempts.at(-1)?.final ? stored : null;
    const owner = live?.invocation.namespace ?? stored?.attempts[0]?.namespace;
    if (owner === namespace && (live || stored)) return { live, stored, ended };
    throw new AppError(
      'not_found',
      `There is no invocation ${id} in namespace "${namespace}"; logs and results are kept for a limited time.`,
    );
  }

  async #endedRecord(ended: StoredInvocation, id: RequestId): Promise<InvocationRecord> {
    return endedRecord(ended, (await this.#deps.callbacks.get([id])).get(id));
  }
}

function hasEnded(id: RequestId): AppError {
  return new AppError('conflict', `The invocation ${id} has ended and can no longer be cancelled.`);
}

/** What the queue and the store have of an invocation. */
interface Found {
  live: LiveInvocation | null;
  stored: StoredInvocation | null;
  /** `stored` if it has the end, otherwise null. */
  ended: StoredInvocation | null;
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

/** Returns the end of an invocation that never ran or is between two attempts. */
function cancelledEnd({ invocation, failures, crashes }: LiveInvocation): InvocationEnd {
  return {
    invocation,
    function: null,
    row: newEnd(invocation, failures + crashes, 'cancelled'),
    outcome: 'cancelled',
    output: new Uint8Array(),
  };
}
