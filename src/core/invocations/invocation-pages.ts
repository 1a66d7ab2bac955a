import type { FunctionName, Namespace, RequestId } from '../../contract/ids.js';
import type { InvocationRecord } from '../../contract/invocation.js';
import { type FinalState, type InvocationState, isLiveState } from '../../contract/invocation-state.js';
import { globMatches } from '../../contract/scopes.js';
import type { InvocationQueue, LiveInvocation } from '../../ports/queue.js';
import type { AttemptStore } from '../../ports/store/attempts.js';
import type { CallbackStore } from '../../ports/store/callbacks.js';
import { decodeCursor, encodeCursor } from './cursor.js';
import { endedRecord, liveRecord } from './invocation-record.js';

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

export interface InvocationPagesDeps {
  queue: Pick<InvocationQueue, 'list'>;
  attempts: Pick<AttemptStore, 'list'>;
  callbacks: Pick<CallbackStore, 'get'>;
}

/** Pages of invocations: live ones from the queue, followed by ended ones from the store. */
export class InvocationPages {
  readonly #deps: InvocationPagesDeps;

  constructor(deps: InvocationPagesDeps) {
    this.#deps = deps;
  }

  async get(given: ListRequest): Promise<InvocationPage> {
    // The store keeps the reason of a dead letter that was replayed and is not dead any more.
    const request = given.reason === undefined ? given : { ...given, state: given.state ?? 'dead' };
    const { state, limit } = request;
    if (request.reason !== undefined && state !== 'dead') return { items: [], nextCursor: null };
    const position = decodeCursor(request.cursor);
    if (position.part === 'ended') return this.#endedPage(request, position.at, []);
    const { items, next } = await this.#live(request, position.at);
    if (next !== null) return { items, nextCursor: encodeCursor({ part: 'live', at: next }) };
    if (state !== undefined && isLiveState(state)) return { items, nextCursor: null };
    if (items.length >= limit) return { items, nextCursor: encodeCursor({ part: 'ended', at: '' }) };
    return this.#endedPage(request, '', items);
  }

  async #live(request: ListRequest, at: string): Promise<{ items: InvocationRecord[]; next: string | null }> {
    const { namespace, state, function: fn, limit } = request;
    if (state !== undefined && !isLiveState(state)) return { items: [], next: null };
    const page = await this.#deps.queue.list(namespace, {
      limit,
      ...(at ? { cursor: at } : {}),
      ...(fn ? { function: fn } : {}),
    });
    const chosen = page.items.filter((live) => matches(live, request));
    return { items: chosen.map((live) => liveRecord(live, null, { isWhole: false })), next: page.next };
  }

  /** Returns the last live invocations followed by ended ones, as many as the limit leaves. */
  async #endedPage(
    { namespace, state, cursor: _, limit, ...filter }: ListRequest,
    at: string,
    live: readonly InvocationRecord[],
  ): Promise<InvocationPage> {
    const page = await this.#deps.attempts.list({
      namespace,
      limit: limit - live.length,
      ...filter,
      ...(state === undefined ? {} : { state: state as FinalState }),
      ...(at ? { cursor: at } : {}),
    });
    // A job leaves the queue after its end has been stored; if an invocation is in both, it has
    // ended.
    const ids = new Set(page.items.flatMap(({ attempts: [first] }) => (first ? [first.requestId] : [])));
    const delivered = await this.#deps.callbacks.get([...ids]);
    const ended = page.items.map((item) =>
      endedRecord(item, delivered.get(item.attempts[0]?.requestId ?? '')),
    );
    return {
      items: [...live.filter((record) => !ids.has(record.request_id)), ...ended],
      nextCursor: page.nextCursor === null ? null : encodeCursor({ part: 'ended', at: page.nextCursor }),
    };
  }
}

function matches(live: LiveInvocation, filter: ListRequest): boolean {
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
