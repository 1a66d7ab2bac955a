import { randomUUID } from 'node:crypto';
import type { SerialFn } from 'ava';
import type { Task } from '../../src/ports/tasks.js';
import { closedGate } from '../helpers/gate.js';
import { until } from '../helpers/until.js';
import type { QueueContext } from './queue-context.js';

const task = (kind: string, payload: string, change: Partial<Task> = {}): Task => ({
  id: randomUUID(),
  kind,
  owner: 'one',
  payload,
  attempts: 3,
  backoffMs: 1,
  ...change,
});

/** Tests for every driver of the port. */
export function tasksConformance(test: SerialFn<QueueContext>): void {
  test('a task reaches the handler of its kind with its payload', async (t) => {
    const { tasks } = t.context.queues;
    const seen: string[] = [];
    const consumer = await tasks.consume({
      one: async (payload) => void seen.push(`one ${payload}`),
      two: async (payload) => void seen.push(`two ${payload}`),
    });
    await tasks.add(task('one', 'a\u0000"ü'));
    const second = task('two', 'b', { id: randomUUID() });
    t.false(await tasks.has(second.id));
    await tasks.add(second);
    await until('both tasks are done', () => seen.length === 2);
    await until('the task is gone', async () => !(await tasks.has(second.id)));
    t.deepEqual(seen.sort(), ['one a\u0000"ü', 'two b']);
    await consumer.close();
  });

  test('a failed task is retried up to its number of attempts', async (t) => {
    const { tasks } = t.context.queues;
    const calls: string[] = [];
    const consumer = await tasks.consume({
      flaky: async (payload) => {
        calls.push(payload);
        if (payload === 'never' || calls.filter((call) => call === payload).length < 2)
          throw new Error('not yet');
      },
    });
    await tasks.add(task('flaky', 'second time'));
    await tasks.add(task('flaky', 'never'));
    await until('all attempts are made', () => calls.length === 5);
    // A further attempt would follow within a few milliseconds.
    await new Promise((resolve) => setTimeout(resolve, 300));
    t.is(calls.filter((call) => call === 'second time').length, 2);
    t.is(calls.filter((call) => call === 'never').length, 3);
    await consumer.close();
  });

  test('60 endless tasks of one owner do not delay the tasks of another owner', async (t) => {
    const { tasks } = t.context.queues;
    const seen: string[] = [];
    const { opened: ended, open: end } = closedGate();
    for (let n = 0; n < 60; n++) await tasks.add(task('slow', `${n}`, { owner: 'attacker' }));
    const consumer = await tasks.consume({
      slow: async (payload) => {
        seen.push(payload);
        await ended;
      },
      quick: async (payload) => void seen.push(payload),
    });
    await until('the share of the owner runs', () => seen.length === 4);
    await new Promise((resolve) => setTimeout(resolve, 300));
    t.is(seen.length, 4);
    for (const payload of ['first', 'second']) {
      await tasks.add(task('quick', payload, { owner: 'victim' }));
      await until('the task is done', () => seen.includes(payload));
    }
    t.is(seen.length, 6);
    end();
    await consumer.close();
  });

  test('adding a task with the id of a waiting task has no effect', async (t) => {
    const { tasks } = t.context.queues;
    const calls: string[] = [];
    const once = task('once', 'x');
    await tasks.add(once);
    await tasks.add(once);
    const last = task('once', 'last');
    await tasks.add(last);
    const consumer = await tasks.consume({ once: async (payload) => void calls.push(payload) });
    await until('the last task is done', () => calls.includes('last'));
    await until('the first task is done', () => calls.includes('x'));
    t.deepEqual(calls.sort(), ['last', 'x']);
    await consumer.close();
  });
}
