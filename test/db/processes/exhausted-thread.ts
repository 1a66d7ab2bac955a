// Opens the SQLite file of its argument and reads more rows than fit into the thread's memory.
import { SqliteThread } from '../../../db/drivers/sqlite/sqlite-thread.js';

const ENDLESS =
  'with recursive n(i) as (select 1 union all select i + 1 from n limit 10000000) select i from n';

const thread = await SqliteThread.open({ file: process.argv[2] ?? '', busyTimeoutMs: 1000 });
// Keeps the process alive, as the listeners of a web process do.
setInterval(() => {}, 1000);
await thread.execute([{ sql: ENDLESS, bindings: [] }]).catch(() => undefined);
