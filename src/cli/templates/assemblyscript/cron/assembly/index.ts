import { cacheIncrement, exit, field, getEnv, input, logger, output } from './orama';

// What stands here runs once per schedule, in an instance of its own: stdin is the run, stdout the output.
const run = input();
const due = field(run, 'scheduled_at') || '';
if (due == '') {
  logger.error('expected a scheduled run, and got: ' + run.substring(0, 200));
  exit(65); // 64–78 refuse a retry: bad input stays bad.
}
const runs = cacheIncrement('runs').toString();
logger.info((getEnv('GREETING') || '') + ', due at ' + due);
output('{"runs":' + runs + '}');
