import { cacheIncrement, exit, field, getEnv, input, logger, output } from './orama';

// Runs once per scheduled run, in its own instance: stdin contains the run, stdout is the output.
const run = input();
const due = field(run, 'scheduled_at') || '';
if (due == '') {
  logger.error('expected a scheduled run, and got: ' + run.substring(0, 200));
  exit(65); // exit codes 64–78 are not retried: the input is invalid
}
const runs = cacheIncrement('runs').toString();
logger.info((getEnv('GREETING') || '') + ', due at ' + due);
output('{"runs":' + runs + '}');
