import type { SerialFn } from 'ava';
import { collect, DONE } from '../helpers/consuming.js';
import { queued } from '../helpers/invocations.js';
import type { QueueContext } from './queue-context.js';

/** Tests for every driver of `InvocationQueue` about retries and attempt numbers. */
export function retriesConformance(test: SerialFn<QueueContext>): void {
  test('each retry increments the attempt and failures, up to the last attempt', async (t) => {
    const { queue } = t.context.queues;
    const job = queued({}, { attempts: 3, backoff: { type: 'fixed', delayMs: 30 } });
    await queue.add([job]);
    const deliveries = await collect(t.context.queues, 3, (delivery) =>
      delivery.isLastAttempt ? DONE : { kind: 'retry', error: 'boom' },
    );
    t.deepEqual(
      deliveries.map(({ attempt, failures, crashes, isLastAttempt }) => ({
        attempt,
        failures,
        crashes,
        isLastAttempt,
      })),
      [
        { attempt: 1, failures: 0, crashes: 0, isLastAttempt: false },
        { attempt: 2, failures: 1, crashes: 0, isLastAttempt: false },
        { attempt: 3, failures: 2, crashes: 0, isLastAttempt: true },
      ],
    );
  });

  test('a postponed job uses up no attempt', async (t) => {
    const { queue } = t.context.queues;
    await queue.add([queued({}, { attempts: 1 })]);
    let times = 0;
    const deliveries = await collect(t.context.queues, 3, () =>
      ++times < 3 ? { kind: 'later', delayMs: 20 } : DONE,
    );
    t.deepEqual(
      deliveries.map(({ attempt, failures, crashes }) => [attempt, failures, crashes]),
      [
        [1, 0, 0],
        [1, 0, 0],
        [1, 0, 0],
      ],
    );
  });

  test('a job whose handler throws on the last attempt is delivered again', async (t) => {
    const { queue } = t.context.queues;
    const job = queued({}, { attempts: 1 });
    await queue.add([job]);
    const deliveries = await collect(t.context.queues, 2, (_delivery, count) => {
      if (count === 1) throw new Error('the store is unreachable');
      return DONE;
    });
    t.deepEqual(
      deliveries.map((delivery) => delivery.attempt),
      [1, 1],
    );
  });
}
