import { EventEmitter } from 'node:events';
import test from 'ava';
import { reportErrors } from '../../queues/report-errors.js';
import { until } from '../helpers/until.js';

test('each message is reported at once, then how often it came again, and the end of the errors', async (t) => {
  const worker = new EventEmitter();
  t.teardown(() => worker.emit('closed'));
  const warnings: { message: string; error: unknown }[] = [];
  reportErrors(worker, 'task worker', (message, error) => warnings.push({ message, error }), 200);
  const errors = ['full', 'full', 'lost', 'full'].map((message) => new Error(message));
  for (const error of errors) worker.emit('error', error);
  await until('the end is reported', () => warnings.length >= 4);
  t.deepEqual(warnings, [
    { message: 'The task worker reported an error.', error: errors[0] },
    { message: 'The task worker reported an error.', error: errors[2] },
    {
      message: 'The task worker reported 2 further errors within 0.2 s; this is the last one.',
      error: errors[3],
    },
    { message: 'The task worker has reported no error for 0.2 s.', error: undefined },
  ]);
  worker.emit('error', errors[0]);
  t.like(warnings[4], { message: 'The task worker reported an error.', error: errors[0] });
});

test('a worker that is closed reports what it has not reported yet', (t) => {
  const worker = new EventEmitter();
  const warnings: string[] = [];
  reportErrors(worker, 'task worker', (message) => warnings.push(message));
  for (let n = 0; n < 3; n++) worker.emit('error', new Error('full'));
  worker.emit('closed');
  t.is(warnings[1], 'The task worker reported 2 further errors within 30 s; this is the last one.');
});
