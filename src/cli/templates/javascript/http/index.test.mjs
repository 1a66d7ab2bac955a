import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createContext, createEnv, load } from './orama/testing.js';

const handler = await load(new URL('./index.js', import.meta.url));

test('greets who is named in the body', async () => {
  const env = createEnv({ env: { GREETING: 'Hello' } });
  const request = new Request('http://localhost/', { method: 'POST', body: JSON.stringify({ name: 'Ada' }) });
  const response = await handler.fetch(request, env, createContext());
  assert.deepEqual(await response.json(), { greeting: 'Hello, Ada!', calls: 1 });
});

test('greets who is named in the query', async () => {
  const env = createEnv({ env: { GREETING: 'Hello' } });
  const response = await handler.fetch(new Request('http://localhost/?name=Ada'), env, createContext());
  assert.deepEqual(await response.json(), { greeting: 'Hello, Ada!', calls: 1 });
});
