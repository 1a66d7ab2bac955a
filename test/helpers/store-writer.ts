import { openStore } from '../../db/open.js';
import { anAttempt } from './attempt.js';

/**
 * Writes attempts endlessly to the SQLite file in its argument, and prints the id of each once it
 * is acknowledged.
 */
const [file = ''] = process.argv.slice(2);
const store = await openStore({ driver: 'sqlite', file });
for (;;) {
  const rows = Array.from({ length: 20 }, () => anAttempt());
  await store.attempts.write(rows);
  process.stdout.write(rows.map(({ requestId }) => `${requestId}\n`).join(''));
}
