import { MB } from '../../../src/contract/limits.js';
import { messageOf } from '../../../src/errors.js';
import type { StatementOutcome } from '../executor.js';
import { primaryCode, SqliteFault } from './sqlite-errors.js';
import { type ChildReply, type ChildRequest, MAX_STATEMENT_MB } from './sqlite-protocol.js';
import { SandboxedDatabase } from './sqlite-sandbox.js';
import { startWatchdog } from './sqlite-watchdog.js';

/**
 * The process that runs functions' SQL. SQLite is synchronous and cannot be interrupted here, and
 * an error in native code ends the process, so it runs in a process that may be killed.
 */

const MAX_OPEN_FILES = 16;
/** Half of a statement's memory limit: the other half is left for the next statement. */
const MAX_KEPT_BYTES = (MAX_STATEMENT_MB * MB) / 2;
const TIDY_AFTER_BYTES = 32 * MB;

const connections = new Map<string, SandboxedDatabase>();

type ChildAnswer = DistributiveOmit<ChildReply, 'isSpent'>;
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** Returns the connection of a file; closes the least recently used one when too many are open. */
function connection(file: string): SandboxedDatabase {
  const opened = connections.get(file) ?? new SandboxedDatabase(file);
  connections.delete(file);
  connections.set(file, opened);
  if (connections.size > MAX_OPEN_FILES) {
    const [oldest] = connections;
    if (oldest !== undefined) {
      connections.delete(oldest[0]);
      oldest[1].close();
    }
  }
  return opened;
}

/**
 * Tells the engine that the writes may be committed from now on. The message is in the pipe when
 * `send` returns, since nothing else is, so the engine reads it also if this process is killed
 * next.
 */
function announceCommit(): void {
  process.send?.({ kind: 'committing' });
}

function answer({ file, operations, maxBytes }: ChildRequest): ChildAnswer {
  const outcomes: StatementOutcome[] = [];
  try {
    connection(file).run(operations, maxBytes, (outcome) => void outcomes.push(outcome), announceCommit);
    return { kind: 'done', outcomes };
  } catch (error) {
    const code = error instanceof SqliteFault ? error.code : primaryCode(error);
    return { kind: 'failed', code, message: messageOf(error), at: outcomes.length };
  }
}

/** The resident memory at start, in bytes. */
const ownBytes = process.memoryUsage.rss();
let tidyAt = ownBytes + TIDY_AFTER_BYTES;

/**
 * Collects garbage: a statement's native memory is freed when its JavaScript object is collected,
 * and V8, which does not count native memory, would let many accumulate. Collected objects are
 * freed in a later turn of the event loop.
 */
function tidy(usedBytes: number): void {
  if (usedBytes < tidyAt) return;
  globalThis.gc?.();
  setImmediate(() => {
    tidyAt = process.memoryUsage.rss() + TIDY_AFTER_BYTES;
  });
}

const watchdog = startWatchdog(Number(process.argv[2]));
// A service manager or a terminal signals the whole process group. The engine ends its children
// itself after it has drained.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('disconnect', () => process.exit());
process.on('message', (request: ChildRequest) => {
  const reply = watchdog.watch(() => answer(request));
  const usedBytes = process.memoryUsage.rss();
  process.send?.({ ...reply, isSpent: watchdog.isSlowed || usedBytes > ownBytes + MAX_KEPT_BYTES });
  tidy(usedBytes);
});
process.send?.({ kind: 'ready' });
