import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { openSqlite } from '../../db/drivers/sqlite.js';
import { tempDir } from '../helpers/temp-dir.js';

const file = join(tempDir(), 'store.sqlite');
const WRITER = fileURLToPath(new URL('../helpers/store-writer.js', import.meta.url));

test('acknowledged rows of two processes on one file are kept after SIGKILL', async (t) => {
  const acknowledged: string[] = [];
  for (let round = 0; round < 2; round += 1) {
    const writers = [0, 1].map(() =>
      spawn(process.execPath, [WRITER, file], { stdio: ['ignore', 'pipe', 'inherit'] }),
    );
    const closed = writers.map(async (writer) => {
      let output = '';
      writer.stdout.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
      await once(writer, 'close');
      // The last line may be incomplete.
      acknowledged.push(...output.split('\n').filter((line) => line.length === 36));
    });
    await Promise.all(writers.map((writer) => once(writer.stdout, 'data')));
    await sleep(500);
    for (const writer of writers) writer.kill('SIGKILL');
    await Promise.all(closed);
  }
  const database = await openSqlite({ file });
  const written = new Set(await database.run<string[]>(database.knex('attempts').pluck('request_id')));
  const [check] = await database.run<{ integrity_check: string }[]>(
    database.knex.raw('pragma integrity_check'),
  );
  await database.close();
  t.log(`${acknowledged.length} rows acknowledged`);
  t.is(check?.integrity_check, 'ok');
  t.deepEqual(
    acknowledged.filter((id) => !written.has(id)),
    [],
  );
});
