import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { openDatabase } from './database.js';
import { Maintenance } from './maintenance.js';
import { OPERATIONS } from './operations/table.js';
import type { Call, Failure, Outcome, Reply, Request, ThreadOptions } from './protocol.js';
import { Refusal } from './refusal.js';
import { Store } from './store.js';

/**
 * The thread that owns the database file. libsql is synchronous: each fsync would hold up the main
 * thread. All that has come in while one transaction was committed goes into the next, so that the
 * cost of a commit is shared by as many operations as there are.
 */
const { port, options } = workerData as { port: MessagePort; options: ThreadOptions };
/** Bounds how long the first operation of a transaction waits for the last. */
const MAX_CALLS = 1000;

function say(reply: Reply): void {
  port.postMessage(reply);
}

function open(): Store | undefined {
  try {
    return new Store(openDatabase(options), options.events);
  } catch (error) {
    const { code = 'SQLITE_CANTOPEN', message } = error as { code?: string; message: string };
    say({ kind: 'unopened', code, message });
    return undefined;
  }
}

function run(store: Store, [name, queue, ...args]: Call): unknown {
  // The names and arguments are those of `Operations`; `connection.ts` holds callers to their
  // types.
  const operation = OPERATIONS[name] as (...args: unknown[]) => unknown;
  return operation(store.queue(queue), ...args);
}

function describe(error: unknown): Failure {
  if (error instanceof Refusal) return { refusal: error.code, message: error.message };
  const { code, message } = error as { code?: string; message: string };
  return code === undefined ? { message } : { code, message };
}

/** Something failed after it had written: what it wrote is to be undone, and nothing else. */
class Undo extends Error {}

function runAll(store: Store, calls: readonly Call[]): Outcome[] {
  return calls.map((call) => {
    const before = store.writes;
    try {
      return [null, run(store, call)];
    } catch (error) {
      if (store.writes > before || !(error instanceof Refusal)) throw new Undo();
      return [describe(error), null];
    }
  });
}

function runEach(store: Store, calls: readonly Call[]): Outcome[] {
  return calls.map((call) => {
    try {
      return [null, store.atomically(() => run(store, call))];
    } catch (error) {
      // The transaction is gone with all in it, as when the disk is full.
      if (!store.database.inTransaction) throw error;
      return [describe(error), null];
    }
  });
}

function transact(store: Store, calls: readonly Call[], runCalls: typeof runAll): Outcome[] {
  store.begin();
  try {
    const outcomes = runCalls(store, calls);
    store.commit();
    return outcomes;
  } catch (error) {
    store.rollback();
    throw error;
  }
}

/**
 * All calls as one transaction. Where one fails, each gets a savepoint; where the file fails, all
 * are told, and none was accepted.
 */
function process(store: Store, calls: readonly Call[]): Outcome[] {
  try {
    return transact(store, calls, runAll);
  } catch (error) {
    if (!(error instanceof Undo)) return refuseAll(store, calls, error);
  }
  try {
    return transact(store, calls, runEach);
  } catch (error) {
    return refuseAll(store, calls, error);
  }
}

/** With one large operation out of the way, others may still find room: each is tried by itself. */
function refuseAll(store: Store, calls: readonly Call[], error: unknown): Outcome[] {
  store.awakened.clear();
  store.eventful.clear();
  const awakened = new Map<string, number>();
  const eventful = new Set<string>();
  const outcomes =
    calls.length === 1
      ? [[describe(error), null] satisfies Outcome]
      : calls.map((call): Outcome => {
          const [outcome = [describe(error), null]] = process(store, [call]);
          for (const [queue, from] of store.awakened)
            awakened.set(queue, Math.min(from, awakened.get(queue) ?? from));
          for (const queue of store.eventful) eventful.add(queue);
          return outcome;
        });
  for (const [queue, from] of awakened) store.awakened.set(queue, from);
  for (const queue of eventful) store.eventful.add(queue);
  return outcomes;
}

function serve(store: Store): void {
  const maintenance = new Maintenance(store.database);
  const close = (): void => {
    maintenance.close();
    store.database.close();
    say({ kind: 'closed' });
    port.close();
  };
  port.on('message', (first: Request) => {
    let calls: Call[] = [];
    let request: Request | undefined = first;
    while (request !== undefined && request !== 'close') {
      calls = calls.length === 0 ? request : calls.concat(request);
      if (calls.length >= MAX_CALLS) break;
      request = (receiveMessageOnPort(port) as { message: Request } | undefined)?.message;
    }
    if (calls.length > 0) {
      const outcomes = process(store, calls);
      say({ kind: 'done', outcomes, awakened: [...store.awakened], eventful: [...store.eventful] });
      maintenance.worked(calls.length);
    }
    if (request === 'close') close();
  });
  say({ kind: 'opened' });
}

const store = open();
if (store === undefined) port.close();
else serve(store);
