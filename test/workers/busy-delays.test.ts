import test from 'ava';
import { BusyDelays } from '../../workers/delivery/busy-delays.js';

/** Delays of refused jobs by a clock that the test sets. */
function delaysAt() {
  const clock = { now: 5000 };
  return { clock, delays: new BusyDelays(100, () => clock.now) };
}

test('refused jobs become due one after the other, and first after 100 ms', (t) => {
  const { clock, delays } = delaysAt();
  t.is(delays.refuse('a'), 100);
  const due = Array.from({ length: 2000 }, () => delays.refuse('a'));
  t.true(due.every((delay, index) => index === 0 || delay > (due[index - 1] ?? 0)));
  t.is(Math.round(due.at(-1) ?? 0), 100 + 2000 * 5, 'at 200 a second');
  t.is(delays.refuse('b'), 100, 'of another function');
  clock.now += 10_000;
  t.is(Math.round(delays.refuse('a')), 105, 'behind the others');
});

test('jobs become due at twice the rate at which they begin', (t) => {
  const { clock, delays } = delaysAt();
  delays.refuse('a');
  for (let index = 0; index < 400; index++) {
    clock.now += 2;
    delays.begin('a');
  }
  const [first = 0, second = 0] = [delays.refuse('a'), delays.refuse('a')];
  t.is(second - first, 1000 / 800);
  clock.now += 1100;
  const [third = 0, fourth = 0] = [delays.refuse('a'), delays.refuse('a')];
  t.is(fourth - third, 1000 / 800, 'the window before counts');
  clock.now += 5000;
  const [fifth = 0, sixth = 0] = [delays.refuse('a'), delays.refuse('a')];
  t.is(sixth - fifth, 5);
});

test('a function that is not refused for a while begins anew', (t) => {
  const { clock, delays } = delaysAt();
  for (let index = 0; index < 100; index++) delays.refuse('a');
  clock.now += 5000;
  delays.begin('a');
  t.is(delays.refuse('a'), 100);
});
