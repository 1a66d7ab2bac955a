import { mock } from 'node:test';
import test from 'ava';
import { startRetention } from '../../src/core/retention.js';
import { createLogger } from '../../src/logger.js';
import type { Store } from '../../src/ports/store.js';
import { until } from '../helpers/until.js';

const MINUTE_MS = 60_000;

test.serial(
  'records of every kind are deleted although those of one kind cannot be, which a warning names',
  async (t) => {
    mock.timers.enable({ apis: ['setInterval'] });
    t.teardown(() => mock.timers.reset());
    const warnings: unknown[][] = [];
    const logger = createLogger('silent');
    logger.warn = (...values: unknown[]) => void warnings.push(values);
    const rows = new Map([
      ['traces', 2],
      ['attempts', 2],
      ['audit', 1],
      ['keys', 1],
    ]);
    const sweep = (name: string) => ({
      async sweep() {
        const left = rows.get(name);
        if (left === undefined) throw new Error('The index is damaged.');
        rows.set(name, Math.max(0, left - 1));
        return left > 0 ? 1 : 0;
      },
    });
    const store = {
      callbacks: sweep('callbacks'),
      traces: sweep('traces'),
      attempts: sweep('attempts'),
      audit: sweep('audit'),
      keys: sweep('keys'),
    } as unknown as Store;

    const retention = startRetention(store, { logDays: 1, deadDays: 1 }, logger);
    t.teardown(() => retention.close());
    mock.timers.tick(MINUTE_MS);
    await until(
      'the sweep',
      () => [...rows.values()].every((left) => left === 0) && warnings.length > 0,
      10_000,
    );
    t.deepEqual(warnings[0]?.[0], { records: 'callbacks', err: 'The index is damaged.' });
  },
);
