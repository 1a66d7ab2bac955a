import test from 'ava';
import fc from 'fast-check';
import { JOBS_PER_UNIT, MAX_PRIORITY, priorityOf, VirtualTime } from '../../queues/fairness.js';

test('priorities are positive safe integers', (t) => {
  for (const time of [0, 0.75, 1, 1000, MAX_PRIORITY, MAX_PRIORITY * 5]) {
    const priority = priorityOf(time);
    t.true(Number.isSafeInteger(priority) && priority >= 1, `${time}: ${priority}`);
  }
});

test('a new namespace waits for a bounded number of jobs of each other namespace', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 40 })), { maxLength: 30 }),
      (bursts) => {
        const times = new VirtualTime();
        const waiting: { namespace: string; priority: number; order: number }[] = [];
        let order = 0;
        const serve = (): string | undefined => {
          waiting.sort((x, y) => x.priority - y.priority || x.order - y.order);
          const next = waiting.shift();
          if (next !== undefined) times.finished('async', next.priority);
          return next?.namespace;
        };
        for (const [namespace, count] of bursts) {
          for (let i = 0; i < count; i++) {
            waiting.push({ namespace, priority: times.take('async', namespace), order: order++ });
          }
          for (let i = 0; i < count / 2; i++) serve();
        }
        waiting.push({
          namespace: 'newcomer',
          priority: times.take('async', 'newcomer'),
          order: order++,
        });
        let before = 0;
        while (serve() !== 'newcomer') before += 1;
        return before <= 3 * 2 * JOBS_PER_UNIT;
      },
    ),
  );
  t.pass();
});
