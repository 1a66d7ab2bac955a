import type { Database } from 'orama';

/** The table that all functions of the shop share: one database a namespace. */
export async function createTables(db: Database): Promise<void> {
  await db
    .prepare(
      'CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, item TEXT NOT NULL, count INTEGER NOT NULL, paid INTEGER NOT NULL)',
    )
    .run();
}
