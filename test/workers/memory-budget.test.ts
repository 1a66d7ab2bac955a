import test from 'ava';
import fc from 'fast-check';
import { MemoryBudget } from '../../workers/engine/memory-budget.js';
import { MemoryPart, OVERTAKEN_FOR_MS } from '../../workers/engine/memory-part.js';
import type { Run } from '../../workers/engine/run.js';

const TOTAL_MB = 700;

/** The part of a run that a memory part uses. */
function runOf(limitMb: number, namespace = 'one', heapMb = 0): Run {
  return { program: { limitMb }, heapMb, call: { namespace } } as Run;
}

test('a waiting guest counts with its used memory, and a resumed guest with its limit', (t) => {
  const memory = new MemoryPart(TOTAL_MB);
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
  const memory = new MemoryPart(TOTAL_MB);
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
  const memory = new MemoryPart(TOTAL_MB);
  const [one, other] = [runOf(600), runOf(600)];
  memory.start(one);
  memory.shrink(one, 1);
  memory.start(other);
  memory.resume(one, () => t.fail('a released guest resumed'));
  memory.release(one);
  memory.release(other);
  t.is(memory.mb, 0);
  t.is(memory.availableMb, TOTAL_MB);
});

test('what a guest may hold outside its memory is charged also while it waits', (t) => {
  const memory = new MemoryPart(TOTAL_MB);
  const run = runOf(64, 'one', 20);
  memory.start(run);
  t.is(memory.mb, 84);
  memory.shrink(run, 4);
  t.is(memory.mb, 24);
  t.is(memory.availableMb, TOTAL_MB - 84);
  memory.resume(run, () => undefined);
  t.is(memory.mb, 84);
  memory.release(run);
  t.is(memory.mb, 0);
});

/** Guests of one namespace that wait, and of which as many as fit have resumed and hold memory. */
function heldBy(namespace: string, memory: MemoryPart | MemoryBudget, count: number, limitMb: number): Run[] {
  const runs = Array.from({ length: count }, () => runOf(limitMb, namespace));
  for (const run of runs) {
    memory.start(run, 'ordinary');
    memory.shrink(run, 1);
  }
  return runs;
}

test('a guest that fits overtakes a larger one of another namespace for a while, and no longer', (t) => {
  const memory = new MemoryPart(TOTAL_MB);
  const runs = heldBy('large', memory, 3, 256);
  const small = Array.from({ length: 3 }, () => runOf(64, 'small'));
  for (const run of small) {
    memory.start(run);
    memory.shrink(run, 2);
  }
  const order: string[] = [];
  const [first, second, third] = runs as [Run, Run, Run];
  for (const [index, run] of runs.entries()) memory.resume(run, () => order.push(`large ${index}`));
  t.deepEqual(order, ['large 0', 'large 1']);
  memory.resume(small[0] as Run, () => order.push('small 0'));
  t.deepEqual(order, ['large 0', 'large 1', 'small 0'], 'the third large one does not fit');

  const clock = performance.now.bind(performance);
  performance.now = () => clock() + OVERTAKEN_FOR_MS + 1;
  t.teardown(() => {
    performance.now = clock;
  });
  memory.release(small[0] as Run);
  memory.resume(small[1] as Run, () => order.push('small 1'));
  t.is(order.length, 3, 'it would overtake');
  memory.release(first);
  t.deepEqual(order.slice(3), ['large 2', 'small 1']);
  for (const run of [second, third, small[1] as Run, small[2] as Run]) memory.release(run);
  t.is(memory.mb, 0);
});

test('a guest of a namespace with few resumes in the reserved part while another namespace holds the rest', (t) => {
  const memory = new MemoryBudget(2048);
  const attackers = heldBy('attacker', memory, 20, 256);
  const victims = heldBy('victim', memory, 2, 64);
  let held = 0;
  for (const run of attackers) {
    memory.resume(run, () => {
      held++;
    });
  }
  t.true(held < 20, 'some of them wait for memory');
  let resumed = 0;
  const resume = (run: Run) =>
    memory.resume(run, () => {
      resumed++;
    });
  victims.forEach(resume);
  t.is(resumed, 2);
  t.true(memory.mb <= 2048);
  for (const run of victims) {
    memory.shrink(run, 2);
    resume(run);
  }
  t.is(resumed, 4, 'they resume there again');
  for (const run of [...victims, ...attackers]) memory.release(run);
  t.is(memory.mb, 0);
});

test('guests that wait behind one that is too large resume when nothing computes any more', (t) => {
  const memory = new MemoryPart(256);
  const small = heldBy('one', memory, 3, 64);
  const large = runOf(128);
  memory.start(large);
  memory.shrink(large, 8);
  for (const run of small) {
    memory.resume(run, () => undefined);
    memory.shrink(run, 64);
  }
  const order: string[] = [];
  memory.resume(large, () => order.push('large'));
  for (const run of small) memory.resume(run, () => order.push('small'));
  t.deepEqual(order, ['small'], 'the large one does not fit, and one of the others computes');
  for (const run of small) memory.release(run);
  t.deepEqual(order, ['small', 'large', 'small', 'small']);
  memory.release(large);
  t.is(memory.mb, 0);
});

test('generated runs never exceed the memory, and some guest can always resume', (t) => {
  const step = fc.record({ what: fc.nat(3), which: fc.nat(), mb: fc.integer({ min: 1, max: 256 }) });
  const clock = performance.now.bind(performance);
  t.teardown(() => {
    performance.now = clock;
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 3 }), (steps, namespaces) => {
      let now = 0;
      performance.now = () => now;
      const memory = new MemoryPart(TOTAL_MB);
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
        now += OVERTAKEN_FOR_MS / 4;
        const computing = pick(inState('computes'), which);
        const waiting = pick(inState('waits'), which);
        if (what === 0 && mb <= memory.availableMb) {
          const run = runOf(mb, `namespace-${which % namespaces}`);
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
        t.true(memory.mb <= TOTAL_MB && memory.mb >= 0);
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
