import test from 'ava';
import fc from 'fast-check';
import { MemoryBudget } from '../../workers/engine/memory-budget.js';
import type { Run } from '../../workers/engine/run.js';

const BUDGET = 700;

/** The part of a run that the budget uses. */
function runOf(limitMb: number): Run {
  return { program: { limitMb } } as Run;
}

test('a waiting guest counts with its used memory, and a resumed guest with its limit', (t) => {
  const memory = new MemoryBudget(BUDGET);
  const run = runOf(256);
  memory.start(run);
  t.is(memory.freeMb, 444);
  memory.shrink(run, 6);
  t.is(memory.freeMb, 694);
  t.is(memory.availableMb, 444, 'the memory that the waiting guest needs to resume is reserved');
  let wentOn = false;
  memory.resume(run, () => {
    wentOn = true;
  });
  t.true(wentOn);
  t.is(memory.mb, 256);
  memory.release(run);
  t.is(memory.mb, 0);
});

test('waiting guests resume in order when their limits fit, before a new guest starts', (t) => {
  const memory = new MemoryBudget(BUDGET);
  const [first, second, third] = [runOf(256), runOf(256), runOf(256)];
  for (const run of [first, second, third]) {
    memory.start(run);
    memory.shrink(run, 10);
  }
  const order: string[] = [];
  memory.resume(first, () => order.push('first'));
  memory.resume(second, () => order.push('second'));
  memory.resume(third, () => order.push('third'));
  t.deepEqual(order, ['first', 'second']);
  t.is(memory.availableMb, 0);
  memory.release(first);
  t.deepEqual(order, ['first', 'second', 'third']);
});

test('a guest stopped while it waits to resume releases its memory', (t) => {
  const memory = new MemoryBudget(BUDGET);
  const [one, other] = [runOf(600), runOf(600)];
  memory.start(one);
  memory.shrink(one, 1);
  memory.start(other);
  memory.resume(one, () => t.fail('a released guest resumed'));
  memory.release(one);
  memory.release(other);
  t.is(memory.mb, 0);
  t.is(memory.availableMb, BUDGET);
});

test('generated runs never exceed the budget, and some guest can always resume', (t) => {
  const step = fc.record({ what: fc.nat(3), which: fc.nat(), mb: fc.integer({ min: 1, max: 256 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const memory = new MemoryBudget(BUDGET);
      const states = new Map<Run, 'computes' | 'waits' | 'returns'>();
      const inState = (state: string) => [...states].filter(([, its]) => its === state).map(([run]) => run);
      const pick = (runs: Run[], which: number) => runs[which % runs.length];
      const resume = (run: Run) => {
        states.set(run, 'returns');
        memory.resume(run, () => states.set(run, 'computes'));
      };
      const end = (run: Run) => {
        states.delete(run);
        memory.release(run);
      };
      for (const { what, which, mb } of steps) {
        const computing = pick(inState('computes'), which);
        const waiting = pick(inState('waits'), which);
        if (what === 0 && mb <= memory.availableMb) {
          const run = runOf(mb);
          memory.start(run);
          states.set(run, 'computes');
        } else if (what === 1 && computing) {
          memory.shrink(computing, mb % computing.program.limitMb);
          states.set(computing, 'waits');
        } else if (what === 2 && waiting) resume(waiting);
        else if (what === 3) {
          const any = pick([...states.keys()], which);
          if (any) end(any);
        }
        t.true(memory.mb <= BUDGET && memory.mb >= 0);
      }
      for (const run of inState('waits')) resume(run);
      while (states.size > 0) {
        const computing = inState('computes');
        t.true(computing.length > 0, 'no guest can resume');
        for (const run of computing) end(run);
      }
      t.is(memory.mb, 0);
    }),
    { numRuns: 300 },
  );
});
