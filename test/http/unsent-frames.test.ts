import test from 'ava';
import { UnsentFrames } from '../../src/http/ws/unsent-frames.js';
import { aNamespace } from '../helpers/attempt.js';

test('the receiver with the most unsent bytes is disconnected at the namespace limit and the total limit', (t) => {
  const frames = new UnsentFrames({ namespace: 100, all: 250 });
  const gone: string[] = [];
  const [busy, other, third] = [aNamespace(), aNamespace(), aNamespace()];
  const receiver = (name: string, namespace = busy) => ({
    namespace,
    unsent: 0,
    disconnect: () => void gone.push(name),
  });
  const [slow, slower, quick, calm] = ['slow', 'slower', 'quick', 'calm'].map((name) => receiver(name));
  if (!slow || !slower || !quick || !calm) return t.fail();
  t.true(frames.take(slow, 30));
  t.true(frames.take(slower, 40));
  t.true(frames.take(calm, 10));
  t.true(frames.take(quick, 20));
  frames.give(quick, 20);
  t.deepEqual(gone, []);
  t.true(frames.take(quick, 30));
  t.deepEqual(gone, ['slower']);
  // The bytes of the disconnected receiver no longer count.
  t.true(frames.take(quick, 30));
  t.deepEqual(gone, ['slower']);
  t.false(frames.take(quick, 41), 'quick is now the slowest itself');
  t.deepEqual(gone, ['slower', 'quick']);

  t.true(frames.take(receiver('of another', other), 100));
  t.true(frames.take(receiver('of a third', third), 100));
  // At the total limit: the slowest receiver of all namespaces.
  t.true(frames.take(calm, 50));
  t.deepEqual(gone, ['slower', 'quick', 'of another']);
  frames.forget(slow);
  frames.forget(slow);
  t.true(frames.take(calm, 40));
  t.deepEqual(gone.length, 3);
});
