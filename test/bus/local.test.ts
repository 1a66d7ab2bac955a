import test from 'ava';
import { openBus } from '../../src/bus/open.js';
import { busConformance } from '../conformance/bus.js';

const bus = await openBus({ driver: 'local' });
busConformance('local', async () => bus);

test('publish calls handlers asynchronously', async (t) => {
  const own = await openBus({ driver: 'local' });
  let called = false;
  await own.subscribe('c', () => {
    called = true;
  });
  const published = own.publish('c', 'x');
  t.false(called);
  await published;
  await own.close();
  t.true(called);
});

test('a closed bus delivers no messages, and closing it again has no effect', async (t) => {
  const own = await openBus({ driver: 'local' });
  let calls = 0;
  await own.subscribe('c', () => {
    calls += 1;
  });
  await own.close();
  await own.close();
  await own.publish('c', 'x');
  t.is(calls, 0);
});

test('an error of a handler is reported and the other handlers receive the message', async (t) => {
  const reported: [string, unknown][] = [];
  const own = await openBus({ driver: 'local' }, (message, error) => void reported.push([message, error]));
  const received: string[] = [];
  await own.subscribe('c', (message) => {
    JSON.parse(message);
  });
  await own.subscribe('c', (message) => void received.push(message));
  await own.publish('c', 'not JSON');
  await own.close();
  t.deepEqual(received, ['not JSON']);
  t.is(reported.length, 1);
  t.is(reported[0]?.[0], 'A message on the bus channel "c" could not be handled.');
  t.true(reported[0]?.[1] instanceof SyntaxError);
});
