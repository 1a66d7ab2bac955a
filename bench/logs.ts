import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, type StoreOptions } from '../db/open.js';
import { anAttempt, anEnd } from '../test/helpers/attempt.js';
import { findRqlited, startRqlite } from '../test/helpers/rqlited.js';

/**
 * Measures the log rows per second on each driver of the store, written as the consumer writes
 * them: in batches of all waiting rows. Run `node dist/bench/logs.js [seconds]`; rqlite is included
 * if TEST_RQLITED is set or PATH contains rqlited.
 */
const seconds = Number(process.argv[2] ?? 3);
const output = Buffer.from(JSON.stringify({ greeting: 'hello, world', numbers: [1, 2, 3] }));

async function measure(name: string, options: StoreOptions): Promise<void> {
  const store = await openStore(options);
  for (const size of [1, 50, 500]) {
    const waits: number[] = [];
    const started = performance.now();
    let longestPause = 0;
    let lastTick = started;
    const ticker = setInterval(() => {
      const now = performance.now();
      longestPause = Math.max(longestPause, now - lastTick - 5);
      lastTick = now;
    }, 5);
    while (performance.now() - started < seconds * 1_000) {
      const rows = Array.from({ length: size }, () => anAttempt({ final: anEnd({ output }) }));
      const sent = performance.now();
      await store.attempts.write(rows);
      waits.push(performance.now() - sent);
    }
    clearInterval(ticker);
    const elapsed = (performance.now() - started) / 1_000;
    waits.sort((a, b) => a - b);
    const percentile = (share: number) => (waits[Math.floor((waits.length - 1) * share)] ?? 0).toFixed(1);
    const rate = Math.round((waits.length * size) / elapsed);
    console.log(
      `${name.padEnd(8)} ${String(size).padStart(4)} rows a write: ${String(rate).padStart(6)} rows/s, ` +
        `p50 ${percentile(0.5)} ms, p99 ${percentile(0.99)} ms, main thread paused ${longestPause.toFixed(0)} ms`,
    );
  }
  await store.close();
}

const directory = mkdtempSync(join(tmpdir(), 'orama-bench-'));
await measure('sqlite', { driver: 'sqlite', file: join(directory, 'store.sqlite') });
rmSync(directory, { recursive: true, force: true });

const binary = findRqlited();
if (binary === null) console.log('rqlite: not found; name it with TEST_RQLITED');
else {
  const cluster = await startRqlite(binary);
  await measure('rqlite', { driver: 'rqlite', urls: cluster.urls });
  await cluster.close();
}
