import { EventEmitter } from 'node:events';
import test from 'ava';
import { reportErrors } from '../../queues/report-errors.js';
import { until } from '../helpers/until.js';

test('a fault that lasts is reported at its begin, once per interval with the last error, and at its end', async (t) => {
  const worker = new EventEmitter();
  t.teardown(() => worker.emit('closed'));
  const warnings: { message: string; error: unknown }[] = [];
  reportErrors(worker, 'task worker', (message, error) => warnings.push({ message, error }), 200);
  const errors = ['first', 'second', 'third'].map((message) => new Error(message));
  for (const error of errors) worker.emit('error', error);
  await until('its end is reported', () => warnings.length >= 3);
  t.deepEqual(warnings, [
    { message: 'The task worker reported an error.', error: errors[0] },
    {
      message: 'The task worker reported 2 further errors within 0.2 s; this is the last one.',
      error: errors[2],
    },
    { message: 'The task worker has reported no error for 0.2 s.', error: undefined },
  ]);
  worker.emit('error', errors[0]);
  t.like(warnings[3], { message: 'The task worker reported an error.', error: errors[0] });
});
