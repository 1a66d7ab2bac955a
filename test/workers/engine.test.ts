import test from 'ava';
import { createEngine } from '../../workers/engine.js';
import { runText } from '../helpers/engine.js';
import { guest } from '../helpers/guests.js';

const engine = createEngine({ threads: 2, parked: 8, memoryMb: 1024 });
test.after.always(() => engine.close());

test('a command gets its input on stdin and its name as argv[0], and its stdout is the output', async (t) => {
  const outcome = await runText(engine, await guest('kitchen.c'), 'args\necho hello');
  t.is(outcome.status, 'success');
  t.is(outcome.error, null);
  t.is(outcome.exitCode, 0);
  t.is(outcome.output, '0 tested\nhello\n');
});
