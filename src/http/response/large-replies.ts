import { setImmediate as turn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { FairLimiter, type FairLimits } from '../../concurrency/fair-limiter.js';
import type { FunctionName, RequestId } from '../../contract/ids.js';
import type { StreamEvent } from './stream-event.js';

/**
 * The lists and large values that are read, written and sent at once. Each occupies one thread at a
 * time: the store's, the main one or one that compresses. With two of a namespace, one can be read
 * while the other is sent, and the other cores remain for other namespaces.
 */
const LISTS: FairLimits = { each: 2, all: 16 };
/**
 * Long texts that are compressed at once, on the threads that also serve the files of all
 * namespaces; there are four of them.
 */
const COMPRESSIONS: FairLimits = { each: 1, all: 2 };
/** A shorter text is compressed in a millisecond and does not wait. */
const LONG_TEXT = 64 << 10;

const compress = promisify(gzip);
const FAST = { level: constants.Z_BEST_SPEED };

/** An invocation as sent to the streams that follow it. */
export interface InvocationEvent extends StreamEvent {
  function: FunctionName;
}

/** Shares the processors that large replies need among namespaces. */
export interface LargeReplies {
  /** Reads and sends a list or a large value when it is the namespace's turn. */
  list<T>(namespace: string, answer: () => Promise<T>): Promise<T>;
  /**
   * Reads an invocation for a stream when it is the namespace's turn. Streams that read the same
   * invocation at the same time share one read. A stream never gets a read that began before its
   * call, which would miss the change that has woken the stream.
   */
  event(namespace: string, id: RequestId, read: () => Promise<InvocationEvent>): Promise<InvocationEvent>;
  compress(namespace: string, text: string): Promise<Buffer>;
}

export function createLargeReplies(): LargeReplies {
  const lists = new FairLimiter(LISTS);
  const compressions = new FairLimiter(COMPRESSIONS);
  /** The reads that have not begun. */
  const reads = new Map<string, Promise<InvocationEvent>>();
  return {
    list: (namespace, answer) => lists.run(namespace, answer),
    event(namespace, id, read) {
      const key = `${namespace}/${id}`;
      let next = reads.get(key);
      if (next === undefined) {
        next = lists.run(namespace, async () => {
          // One notice wakes all streams in one turn.
          await turn();
          reads.delete(key);
          return read();
        });
        reads.set(key, next);
      }
      return next;
    },
    compress: (namespace, text) =>
      text.length < LONG_TEXT
        ? compress(text, FAST)
        : compressions.run(namespace, () => compress(text, FAST)),
  };
}
