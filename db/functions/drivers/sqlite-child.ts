import { messageOf } from '../../../src/errors.js';
import type { Outcome } from '../executor.js';
import { SqliteConnection } from './sqlite-connection.js';
import { primaryCode, SqliteFault } from './sqlite-errors.js';
import type { ChildReply, ChildRequest } from './sqlite-protocol.js';
import { startWatchdog } from './sqlite-watchdog.js';

/**
 * The process that runs functions' SQL. SQLite here is synchronous and cannot be interrupted, and what is wrong in native code ends
 * the process that it is in: so it is one that may be killed.
 */

const MAX_OPEN_FILES = 16;

const connections = new Map<string, SqliteConnection>();

/** The least recently used file is closed when too many are open. */
function connection(file: string): SqliteConnection {
  const opened = connections.get(file) ?? new SqliteConnection(file);
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

function answer({ file, operations, maxBytes }: ChildRequest): ChildReply {
  const outcomes: Outcome[] = [];
  try {
    connection(file).run(operations, maxBytes, (outcome) => void outcomes.push(outcome));
    return { kind: 'done', outcomes };
  } catch (error) {
    const code = error instanceof SqliteFault ? error.code : primaryCode(error);
    return { kind: 'failed', code, message: messageOf(error), at: outcomes.length };
  }
}

const watchdog = startWatchdog(Number(process.argv[2]));
// A service manager and a terminal signal the whole group. The engine ends its children itself, when it has drained.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('disconnect', () => process.exit());
process.on('message', (request: ChildRequest) => process.send?.(watchdog.watch(() => answer(request))));
