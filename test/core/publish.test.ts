import test from 'ava';
import type { FunctionVersion } from '../../src/contract/function.js';
import { MAX_TRIGGER_DEPTH } from '../../src/contract/limits.js';
import type { Message } from '../../src/core/events/message.js';
import { Publisher, topicChannel } from '../../src/core/events/publish.js';
import { JobBudget } from '../../src/core/invocations/job-budget.js';
import { AppError } from '../../src/errors.js';
import { jsonTextOf } from '../../src/json/json-text.js';
import { aNamespace, aRequestId } from '../helpers/attempt.js';
import { shared } from '../helpers/shared.js';
import { tempDir } from '../helpers/temp-dir.js';
import { openUseCases, type UseCases } from './use-cases.js';

const directory = tempDir();
const useCases = shared(() => openUseCases(directory));

const listening = { metadata: { triggers: [{ topic: 'orders:*' }] } };

function message({ namespace }: Pick<FunctionVersion, 'namespace'>, given: Partial<Message> = {}): Message {
  const bytes = given.bytes ?? Buffer.from('{"b": 2.50,"a":1}');
  return { namespace, topic: 'orders:created', bytes, data: jsonTextOf(bytes), depth: 1, ...given };
}

async function queued({ queue }: UseCases, { namespace }: Pick<FunctionVersion, 'namespace'>) {
  return (await queue.list(namespace, { limit: 100 })).items.map(({ invocation }) => invocation);
}

test('a message adds one job per function with a matching topic, with its data unchanged', async (t) => {
  const cases = await useCases();
  const fn = await cases.deploy(listening);
  await cases.deploy({ name: 'other', metadata: { triggers: [{ topic: 'orders:created' }] } }, fn.namespace);
  await cases.deploy({ name: 'deaf', metadata: { triggers: [{ topic: 'users:*' }] } }, fn.namespace);
  const parentId = aRequestId();
  const outcome = await cases.publisher.publish(message(fn, { parentId }));
  t.deepEqual(outcome, { triggered: 2, tooDeep: false });
  const jobs = await queued(cases, fn);
  t.deepEqual(jobs.map((job) => job.function).sort(), ['hello', 'other']);
  for (const job of jobs) {
    t.like(job, { trigger: 'pubsub', triggerDepth: 1, callerWallet: '', parentId, replyTo: undefined });
    t.regex(
      Buffer.from(job.input).toString(),
      /^\{"topic":"orders:created","data":\{"b": 2\.50,"a":1\},"namespace":".*","trigger_depth":1,"timestamp":\d{10}\}$/,
    );
  }
});

test('live subscribers receive a message that triggers no function, including binary data', async (t) => {
  const { bus, publisher } = await useCases();
  const namespace = aNamespace();
  const frames: string[] = [];
  await bus.subscribe(topicChannel(namespace, 'live'), (frame) => void frames.push(frame));
  const bytes = Uint8Array.of(0xff, 0x00);
  t.deepEqual(await publisher.publish(message({ namespace }, { topic: 'live', bytes })), {
    triggered: 0,
    tooDeep: false,
  });
  t.like(JSON.parse(frames[0] ?? ''), { data: '/wA=', topic: 'live' });
});

test('without the bus, a message that starts nothing is refused; one that started its triggers is not', async (t) => {
  const cases = await useCases();
  const fn = await cases.deploy(listening);
  const refused = new AppError('unavailable', 'The bus cannot be reached.');
  const publisher = new Publisher({
    ...cases,
    bus: { ...cases.bus, publish: () => Promise.reject(refused) },
    resultTtlMs: 60_000,
  });
  const lone = message(fn, { topic: 'nobody' });
  await t.throwsAsync(publisher.publish(lone), { is: refused });
  await t.throwsAsync(publisher.publishAtomically([lone, lone]), { is: refused });
  t.like(await publisher.publish(message(fn)), { triggered: 1 });
  t.like(await publisher.publishAtomically([lone, message(fn)]), { triggered: 1 });
  const outcomes = await publisher.publishEach([lone, message(fn)]);
  t.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'fulfilled'],
  );
});

test('a message over the maximum trigger depth triggers nothing and is reported as too deep', async (t) => {
  const cases = await useCases();
  const fn = await cases.deploy(listening);
  const deepest = message(fn, { depth: MAX_TRIGGER_DEPTH });
  t.deepEqual(await cases.publisher.publish(deepest), { triggered: 1, tooDeep: false });
  t.deepEqual(await cases.publisher.publish({ ...deepest, depth: MAX_TRIGGER_DEPTH + 1 }), {
    triggered: 0,
    tooDeep: true,
  });
  t.is((await queued(cases, fn)).length, 1);
});

test('messages published together are all accepted or all rejected', async (t) => {
  const cases = await useCases();
  const fn = await cases.deploy(listening);
  const wrong = message(fn, { topic: 'no blanks' });
  await t.throwsAsync(cases.publisher.publishAtomically([message(fn), wrong]), { code: 'invalid_request' });
  t.is((await queued(cases, fn)).length, 0);
  t.like(await cases.publisher.publishAtomically([message(fn), message(fn)]), { triggered: 2 });
  t.is((await queued(cases, fn)).length, 2);
});

test('a rejected message of publishEach does not affect the others', async (t) => {
  const cases = await useCases();
  const fn = await cases.deploy(listening);
  const outcomes = await cases.publisher.publishEach([
    message(fn),
    message(fn, { bytes: new Uint8Array(1 << 20), name: 'messages[1]' }),
    message(fn),
  ]);
  t.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  const [, refused] = outcomes;
  t.regex(String(refused?.status === 'rejected' && refused.reason), /messages\[1\] has \d+ bytes/);
  t.is((await queued(cases, fn)).length, 2);
});

test('messages published by an invocation count against its budget and are rejected over it', async (t) => {
  const cases = await useCases();
  const fn = await cases.deploy(listening);
  const budget = new JobBudget(fn.namespace, 1);
  await cases.publisher.publish(message(fn, { budget }));
  await t.throwsAsync(cases.publisher.publish(message(fn, { budget })), { code: 'quota_exceeded' });
  t.is((await queued(cases, fn)).length, 1);
});

test('a message whose size over all triggers is too large is rejected without affecting others', async (t) => {
  const cases = await useCases();
  const topic = 'a:b:c:d:e:f';
  // Each of these matches the topic.
  const triggers = Array.from({ length: 1 << 6 }, (_, bits) => ({
    topic: topic.replace(/\w/g, (name) => ((bits >> (name.charCodeAt(0) - 97)) & 1 ? '*' : name)),
  }));
  const fn = await cases.deploy({ metadata: { triggers } });
  const large = message(fn, { topic, bytes: Buffer.alloc(600_000, '1') });
  await t.throwsAsync(cases.publisher.publish(large), {
    code: 'payload_too_large',
    message: /counted once for each of the 64 triggers .*\(32 MB\)/,
  });
  t.is((await queued(cases, fn)).length, 0);
  const small = message(fn, { topic });
  const outcomes = await cases.publisher.publishEach([small, large, small]);
  t.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
});
