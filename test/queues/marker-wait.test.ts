import test from 'ava';
import { type Marker, MarkerWait, NOW } from '../../queues/drivers/redis/marker-wait.js';

/** A wait whose listening ends when the test says so. */
function listening() {
  const commands: { heard(marker: Marker | null): void; failed(error: Error): void; seconds: number }[] = [];
  const strayed: Marker[] = [];
  const wait = new MarkerWait(
    (seconds) =>
      new Promise((resolve, reject) => {
        commands.push({ heard: resolve, failed: reject, seconds });
      }),
    (marker) => strayed.push(marker),
  );
  return { wait, commands, strayed };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a wait ends with the marker that came, or with none', async (t) => {
  const { wait, commands, strayed } = listening();
  for (const marker of [{ member: '1', score: 1700 }, null]) {
    const waiting = wait.wait(5);
    commands.at(-1)?.heard(marker);
    t.deepEqual(await waiting, marker);
  }
  t.is(commands.length, 2);
  t.deepEqual(strayed, []);
});

test('a wait that was ended from here leaves its command to the next', async (t) => {
  const { wait, commands, strayed } = listening();
  const first = wait.wait(5);
  wait.end();
  t.deepEqual(await first, NOW);
  const second = wait.wait(5);
  t.is(commands.length, 1);
  commands[0]?.heard(NOW);
  t.deepEqual(await second, NOW);
  t.deepEqual(strayed, []);
});

test('a marker that comes when nobody waits is not lost', async (t) => {
  const { wait, commands, strayed } = listening();
  const waiting = wait.wait(5);
  wait.end();
  await waiting;
  commands[0]?.heard({ member: '1', score: 1700 });
  await settled();
  t.deepEqual(strayed, [{ member: '1', score: 1700 }]);
  void wait.wait(5);
  t.is(commands.length, 2, 'the next wait listens anew');
  wait.end();
});

test('a wait is over after its own time, though its command goes on for longer', async (t) => {
  const { wait, commands } = listening();
  const long = wait.wait(60);
  wait.end();
  await long;
  t.is(await wait.wait(0.01), null);
  t.deepEqual(
    commands.map(({ seconds }) => seconds),
    [60],
  );
});

test('a wait fails when the marker cannot be listened for, and the next one listens anew', async (t) => {
  const { wait, commands } = listening();
  const waiting = wait.wait(5);
  commands[0]?.failed(new Error('the connection is gone'));
  await t.throwsAsync(waiting, { message: 'the connection is gone' });
  const next = wait.wait(5);
  commands[1]?.heard(null);
  t.is(await next, null);
});

test('listening that fails when nobody waits disturbs nobody', async (t) => {
  const { wait, commands, strayed } = listening();
  const waiting = wait.wait(5);
  wait.end();
  await waiting;
  commands[0]?.failed(new Error('the connection is gone'));
  await settled();
  t.deepEqual(strayed, []);
});
