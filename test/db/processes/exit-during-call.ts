// Exits with 7 while a thread of the kind in its argument (store or queue) is in a call of a
// second.
import { SqliteThread } from '../../../db/drivers/sqlite/sqlite-thread.js';
import { SqliteConnection } from '../../../queues/drivers/sqlite/backend/connection.js';

const SLOW =
  'with recursive n(i) as (select 1 union all select i + 1 from n limit 3000000) select max(i) from n';

const [, , kind, file = ''] = process.argv;
if (kind === 'store') {
  const thread = await SqliteThread.open({ file, busyTimeoutMs: 1000 });
  thread.execute([{ sql: SLOW, bindings: [] }]).catch(() => undefined);
} else {
  const connection = new SqliteConnection({ path: file });
  await connection.ready;
  connection.call({ command: 'query' }, 'query', 'q', SLOW, []).catch(() => undefined);
}
setTimeout(() => process.exit(7), 200);
