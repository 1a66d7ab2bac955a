import test from 'ava';
import { MAX_TRIGGER_DEPTH } from '../../src/contract/limits.js';
import { shared } from '../helpers/shared.js';
import { tempDir } from '../helpers/temp-dir.js';
import { accepted, failed, finalOf, succeeded } from './ends.js';
import { openUseCases } from './use-cases.js';

const directory = tempDir();
const useCases = shared(() => openUseCases(directory));

test('on_success and on_failure events have the ended invocation as parent and a depth one higher', async (t) => {
  const cases = await useCases();
  const fn = await cases.deploy({ metadata: { on_success: 'went:well', on_failure: 'went:wrong' } });
  const triggers = [{ topic: 'went:*' }];
  const listener = await cases.deploy({ name: 'listener', metadata: { triggers } }, fn.namespace);
  const [well, wrong] = [await accepted(cases, fn), await accepted(cases, fn)];
  await cases.finisher.finish(succeeded(well, fn));
  await cases.finisher.finish(failed(wrong, fn));
  const { items } = await cases.queue.list(fn.namespace, { limit: 10, function: listener.name });
  const told = items.map(({ invocation }) => ({
    depth: invocation.triggerDepth,
    parent: invocation.parentId,
    ...JSON.parse(Buffer.from(invocation.input).toString()),
  }));
  t.is(told.length, 2);
  t.like(
    told.find(({ parent }) => parent === well.id),
    { depth: 1, topic: 'went:well', data: { status: 'success', input: { n: 1 }, output: { ok: true } } },
  );
  t.like(
    told.find(({ parent }) => parent === wrong.id),
    { depth: 1, topic: 'went:wrong', data: { status: 'dead', error: 'exited with code 1', output: null } },
  );
});

test('the log of an invocation at the maximum trigger depth states that its outcome fires no trigger', async (t) => {
  const cases = await useCases();
  const fn = await cases.deploy({ metadata: { on_success: 'went:well' } });
  const triggers = [{ topic: 'went:*' }];
  await cases.deploy({ name: 'listener', metadata: { triggers } }, fn.namespace);
  const note = `The message on "went:well" fires no trigger: the trigger depth of ${MAX_TRIGGER_DEPTH} is reached.`;
  for (const [triggerDepth, expected] of [
    [MAX_TRIGGER_DEPTH - 1, []],
    [MAX_TRIGGER_DEPTH, [['warn', note]]],
  ] as const) {
    const invocation = await accepted(cases, fn, { triggerDepth });
    const ending = succeeded(invocation, fn);
    await cases.finisher.finish(ending);
    const logged = ending.row.messages.map(({ level, message }) => [level, message]);
    t.deepEqual(logged, expected as never, `at depth ${triggerDepth}`);
  }
  const invocation = await accepted(cases, fn, { triggerDepth: MAX_TRIGGER_DEPTH });
  const ending = failed(invocation, fn);
  await cases.finisher.finish(ending);
  t.deepEqual(ending.row.messages, [], 'a failure has no event here');
});

test('a cancelled invocation triggers neither on_success nor on_failure', async (t) => {
  const cases = await useCases();
  const fn = await cases.deploy({ metadata: { on_success: 'ended', on_failure: 'ended' } });
  await cases.deploy({ name: 'listener', metadata: { triggers: [{ topic: 'ended' }] } }, fn.namespace);
  const invocation = await accepted(cases, fn);
  await cases.finisher.finish({ ...failed(invocation, fn), outcome: 'cancelled' });
  t.is((await finalOf(cases, invocation))?.state, 'cancelled');
  t.is((await cases.queue.use(fn.namespace)).waiting, 1, 'only the accepted invocation is queued');
});

test('an outcome event whose size over all triggers is too large is sent without input and output', async (t) => {
  const cases = await useCases();
  const fn = await cases.deploy({ metadata: { on_success: 'a:b:c:d:e:f:g:h:i:j' } });
  // Each of these matches.
  const triggers = Array.from({ length: 600 }, (_, bits) => ({
    topic: 'a:b:c:d:e:f:g:h:i:j'.replace(/\w/g, (name) =>
      (bits >> (name.charCodeAt(0) - 97)) & 1 ? '*' : name,
    ),
  }));
  for (let from = 0; from < triggers.length; from += 100) {
    const metadata = { triggers: triggers.slice(from, from + 100) };
    await cases.deploy({ name: `fan-${from}`, metadata }, fn.namespace);
  }
  const invocation = await accepted(cases, fn);
  await cases.finisher.finish(succeeded(invocation, fn, JSON.stringify('x'.repeat(64_000))));
  const { items } = await cases.queue.list(fn.namespace, { limit: 1000 });
  const told = items.filter(({ invocation: { trigger } }) => trigger === 'pubsub');
  t.is(told.length, 600);
  const event = JSON.parse(Buffer.from(told[0]?.invocation.input ?? []).toString());
  t.like(event.data, { request_id: invocation.id, status: 'success', input: null, output: null });
});
