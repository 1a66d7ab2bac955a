import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../db/open.js';
import { DAY_MS, HOUR_MS } from '../src/contract/limits.js';
import { anAttempt, anEnd } from '../test/helpers/attempt.js';

/**
 * Checks that the store stays bounded. Writes the rows of many invocations as if spread over thirty
 * days, sweeps with the default retention as the worker does, and prints the size of the file,
 * which must level off. Run `node dist/bench/retention.js [invocations]`; the default is 200,000.
 */
const invocations = Number(process.argv[2] ?? 200_000);
const DAYS = 30;
const LOG_DAYS = 7;
const DEAD_DAYS = 14;
const RESULT_MS = HOUR_MS;
const BATCH = 500;
const DEAD_SHARE = 20;

const dir = mkdtempSync(join(tmpdir(), 'orama-retention-'));
const file = join(dir, 'metadata.db');
const store = await openStore({ driver: 'sqlite', file });
const output = Buffer.from(JSON.stringify({ text: 'x'.repeat(500) }));
const input = Buffer.from('x'.repeat(500));
const started = performance.now();
const batches = Math.ceil(invocations / BATCH);

for (let batch = 0; batch < batches; batch += 1) {
  const now = Date.now() - DAYS * DAY_MS + (DAYS * DAY_MS * batch) / batches;
  const rows = Array.from({ length: BATCH }, (_, n) => {
    const isDead = n % DEAD_SHARE === 0;
    return anAttempt({
      startedAt: now,
      acceptedAt: now,
      status: isDead ? 'error' : 'success',
      final: anEnd({
        completedAt: now,
        outputExpiresAt: now + RESULT_MS,
        ...(isDead
          ? { state: 'dead' as const, reason: 'error', input, output: null }
          : { state: 'success' as const, output }),
      }),
    });
  });
  await store.attempts.write(rows);
  const limits = { logsBefore: now - LOG_DAYS * DAY_MS, deadBefore: now - DEAD_DAYS * DAY_MS, now };
  while ((await store.attempts.sweep(limits)) > 0);
  if ((batch + 1) % Math.ceil(batches / 10) === 0) {
    const megabytes = (statSync(file).size / 2 ** 20).toFixed(1);
    const day = Math.round((DAYS * (batch + 1)) / batches);
    console.log(`day ${day}: ${(batch + 1) * BATCH} invocations, ${megabytes} MB`);
  }
}
console.log(`${((performance.now() - started) / 1000).toFixed(0)} s`);
await store.close();
rmSync(dir, { recursive: true });
