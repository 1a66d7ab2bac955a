import test from 'ava';
import { functionNameSchema } from '../../src/contract/ids.js';
import { createLargeReplies } from '../../src/http/response/large-replies.js';
import { streamEvent } from '../../src/http/response/stream-event.js';
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
