import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import test from 'ava';
import Koa from 'koa';
import { functionNameSchema } from '../../src/contract/ids.js';
import { dispatch, type Serving } from '../../src/http/dispatch.js';
import { createLargeReplies } from '../../src/http/response/large-replies.js';
import { streamEvent } from '../../src/http/response/stream-event.js';
import { routeUsing } from '../../src/http/route.js';
import { aRequestId } from '../helpers/attempt.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));
const name = functionNameSchema.parse('hello');

/** Reads that end on command. */
function held() {
  const ends: (() => void)[] = [];
  const read = async () => {
    await new Promise<void>((end) => ends.push(end));
    return { ...streamEvent({ n: 1 }, true), function: name };
  };
  return { ends, read };
}

test('streams that read one invocation at the same time share the read, and a later one reads again', async (t) => {
  const replies = createLargeReplies();
  const { ends, read } = held();
  const id = aRequestId();
  const all = Array.from({ length: 100 }, () => replies.event('a', id, read));
  await turn();
  t.is(ends.length, 1);
  ends[0]?.();
  const [first, ...others] = await Promise.all(all);
  t.true(others.every((other) => other === first));
  const again = replies.event('a', id, read);
  await turn();
  t.is(ends.length, 2);
  ends[1]?.();
  t.deepEqual(await again, first);
});

test('a stream that learns of a change during a read of another stream gets a read that began after it', async (t) => {
  const replies = createLargeReplies();
  const { ends, read } = held();
  const id = aRequestId();
  const before = replies.event('a', id, read);
  await turn();
  const after = replies.event('a', id, read);
  await turn();
  t.is(ends.length, 2);
  for (const end of ends) end();
  t.not(await after, await before);
});

test('streams read two invocations of a namespace at once, and those of another namespace beside them', async (t) => {
  const replies = createLargeReplies();
  const { ends, read } = held();
  const all = ['a', 'a', 'a', 'b'].map((namespace) => replies.event(namespace, aRequestId(), read));
  await turn();
  t.is(ends.length, 3);
  for (let at = 0; at < 4; at += 1) {
    ends[at]?.();
    await turn();
  }
  t.is((await Promise.all(all)).length, 4);
});

test('a failed read is not shared with later streams', async (t) => {
  const replies = createLargeReplies();
  const id = aRequestId();
  const failing = () => Promise.reject(new Error('the store has failed'));
  await t.throwsAsync(replies.event('a', id, failing), { message: 'the store has failed' });
  const { ends, read } = held();
  const next = replies.event('a', id, read);
  await turn();
  ends[0]?.();
  t.true((await next).isLast);
});

test('replies to anonymous callers wait for no turn of the namespace that they name', async (t) => {
  const document = routeUsing<never>()({
    ...{
      operationId: 'getText',
      method: 'GET',
      path: '/',
      tag: '',
      summary: '',
      access: 'open',
      scope: null,
    },
    responses: {},
    handle: async () => ({ status: 200, bytes: 'x'.repeat(10_000), type: 'text/plain' }),
  });
  const owners: string[] = [];
  const serving = {
    admit: async () => ({ principal: null, namespace: 'victim' }),
    buffers: { holdReply: () => undefined },
    largeReplies: {
      compress(owner: string, text: string) {
        owners.push(owner);
        return promisify(gzip)(text);
      },
    },
  } as unknown as Serving;
  const server = createServer(new Koa().use(dispatch(document, serving)).callback());
  t.teardown(() => server.close());
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/?namespace=victim`);
  t.is((await response.text()).length, 10_000);
  t.deepEqual(owners, ['']);
});
