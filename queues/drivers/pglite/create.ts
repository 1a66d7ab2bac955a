import { EventEmitter } from 'node:events';
import { PGlite } from '@electric-sql/pglite';
import { runMigrations } from 'bullmq';

/**
 * Run as a process of its own, `node create.js <dir>`: makes the database, or brings it up to date. Making one takes
 * 760 MB, which a WASM memory never gives back; the process that ends does.
 */
const dir = process.argv[2];
if (dir === undefined) throw new Error('The directory of the database is missing.');

const db = await PGlite.create(dir);
const client = Object.assign(new EventEmitter(), {
  query: async (text: string, params?: unknown[]) => {
    if (params !== undefined && params.length > 0) return db.query(text, params);
    const results = await db.exec(text);
    return results.at(-1) ?? { rows: [] };
  },
  release: () => {},
});
await runMigrations(client as unknown as Parameters<typeof runMigrations>[0]);
await db.close();
