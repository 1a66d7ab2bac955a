import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createContext, createEnv, load } from './orama/testing.js';

const handler = await load(new URL('./index.js', import.meta.url));

test('greets a guest who arrives, and tells others', async () => {
  const env = createEnv({ env: { GREETING: 'Hello' } });
  const event = {
    topic: 'greetings:new',
    data: { name: 'Ada' },
    namespace: 'test',
    trigger_depth: 1,
    timestamp: 0,
  };
  assert.deepEqual(await handler.event(event, env, createContext()), { count: 1 });
  assert.deepEqual(env.published, [{ topic: 'guests:greeted', data: { greeting: 'Hello, Ada!', count: 1 } }]);
});
