import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import { CallLock } from '../../../../src/process/native-calls.js';
import { openDatabase } from './database.js';
import { Maintenance } from './maintenance.js';
import { OPERATIONS } from './operations/table.js';
import type {
  OperationCall,
  OperationFailure,
  OperationOutcome,
  ThreadData,
  ThreadReply,
  ThreadRequest,
} from './protocol.js';
import { Refusal } from './refusal.js';
import { Store } from './store.js';

/**
 * The thread that owns the database file. libsql is synchronous, so on the main thread each fsync
 * would block the event loop. All operations that arrive during one commit share the next
 * transaction and thus its commit.
 */
const { port, options, lock: buffer } = workerData as ThreadData;
const lock = new CallLock(buffer);
/**
 * The largest number of operations per transaction, which limits how long the first waits for the
 * last.
 */
const MAX_CALLS = 1000;

function post(reply: ThreadReply): void {
  port.postMessage(reply);
}

function open(): Store | undefined {
  try {
    return new Store(openDatabase(options), options.events);
  } catch (error) {
    const { code = 'SQLITE_CANTOPEN', message } = error as { code?: string; message: string };
    post({ kind: 'unopened', code, message });
    return undefined;
  }
}

function run(store: Store, [name, queue, ...args]: OperationCall): unknown {
  // Names and arguments match `Operations`: `call` in connection.ts checks them at compile time.
  const operation = OPERATIONS[name] as (...args: unknown[]) => unknown;
  return operation(store.queue(queue), ...args);
}

function describe(error: unknown): OperationFailure {
  if (error instanceof Refusal) return { refusal: error.code, message: error.message };
  const { code, message } = error as { code?: string; message: string };
  return code === undefined ? { message } : { code, message };
}

/**
 * Thrown when an operation failed after it had written: what it wrote must be rolled back, and
 * nothing else.
 */
class Undo extends Error {}

function runAll(store: Store, calls: readonly OperationCall[]): OperationOutcome[] {
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

function runEach(store: Store, calls: readonly OperationCall[]): OperationOutcome[] {
  return calls.map((call) => {
    try {
      return [null, store.atomically(() => run(store, call))];
    } catch (error) {
      // SQLite has rolled back the whole transaction, for example because the disk is full.
      if (!store.database.inTransaction) throw error;
      return [describe(error), null];
    }
  });
}

function transact(
  store: Store,
  calls: readonly OperationCall[],
  runCalls: typeof runAll,
): OperationOutcome[] {
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
 * Runs all calls in one transaction. If one fails, runs them again with a savepoint each. If the
 * database fails, see `runSeparately`.
 */
function executeBatch(store: Store, calls: readonly OperationCall[]): OperationOutcome[] {
  try {
    return transact(store, calls, runAll);
  } catch (error) {
    if (!(error instanceof Undo)) return runSeparately(store, calls, error);
  }
  try {
    return transact(store, calls, runEach);
  } catch (error) {
    return runSeparately(store, calls, error);
  }
}

/**
 * After a database failure, runs each call in its own transaction: without the operation that was
 * too large, others may still fit on the disk.
 */
function runSeparately(store: Store, calls: readonly OperationCall[], error: unknown): OperationOutcome[] {
  store.wokenQueues.clear();
  store.eventful.clear();
  const wokenQueues = new Map<string, number>();
  const eventful = new Set<string>();
  const outcomes =
    calls.length === 1
      ? [[describe(error), null] satisfies OperationOutcome]
      : calls.map((call): OperationOutcome => {
          const [outcome = [describe(error), null]] = executeBatch(store, [call]);
          for (const [queue, from] of store.wokenQueues)
            wokenQueues.set(queue, Math.min(from, wokenQueues.get(queue) ?? from));
          for (const queue of store.eventful) eventful.add(queue);
          return outcome;
        });
  for (const [queue, from] of wokenQueues) store.wokenQueues.set(queue, from);
  for (const queue of eventful) store.eventful.add(queue);
  return outcomes;
}

function serve(store: Store): void {
  const maintenance = new Maintenance(store.database, lock);
  const close = (): void => {
    maintenance.close();
    lock.run(() => store.database.close());
    post({ kind: 'closed' });
    port.close();
  };
  port.on('message', (first: ThreadRequest) => {
    let calls: OperationCall[] = [];
    let request: ThreadRequest | undefined = first;
    while (request !== undefined && request !== 'close') {
      calls = calls.length === 0 ? request : calls.concat(request);
      if (calls.length >= MAX_CALLS) break;
      request = (receiveMessageOnPort(port) as { message: ThreadRequest } | undefined)?.message;
    }
    if (calls.length > 0) {
      const outcomes = lock.run(() => executeBatch(store, calls));
      post({ kind: 'done', outcomes, wokenQueues: [...store.wokenQueues], eventful: [...store.eventful] });
      maintenance.recordOperations(calls.length);
    }
    if (request === 'close') close();
  });
  post({ kind: 'opened' });
}

const store = open();
lock.unlock();
if (store === undefined) port.close();
else serve(store);
