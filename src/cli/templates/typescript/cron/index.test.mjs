import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createContext, createEnv, load } from './orama/testing.js';

const handler = await load(new URL('./index.ts', import.meta.url));

test('counts its runs', async () => {
  const env = createEnv({ env: { GREETING: 'Hello' } });
  const scheduled_at = '2026-01-01T00:05:00Z';
  const event = {
    ...{ cron: '*/5 * * * *', scheduled_at, scheduledTime: Date.parse(scheduled_at) },
    ...{ namespace: 'test', trigger_depth: 1, timestamp: 0 },
  };
  assert.deepEqual(await handler.scheduled(event, env, createContext()), { runs: 1 });
  assert.deepEqual(await handler.scheduled(event, env, createContext()), { runs: 2 });
});
