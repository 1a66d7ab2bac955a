import { cacheIncrement, exit, field, getEnv, input, logger, output, publish, quote } from './orama';

// What stands here runs once per event, in an instance of its own: stdin is the event, stdout the output.
const event = input();
const name = field(field(event, 'data') || '', 'name') || '';
if (name == '') {
  logger.error('expected an event whose data has a name, and got: ' + event.substring(0, 200));
  exit(65); // 64–78 refuse a retry: bad input stays bad.
}
const count = cacheIncrement('guests:' + name).toString();
const greeting = (getEnv('GREETING') || '') + ', ' + name + '!';
logger.info((field(event, 'topic') || '') + ': ' + greeting);
// Any other code is retried as function.yaml says.
if (!publish('guests:greeted', '{"greeting":' + quote(greeting) + ',"count":' + count + '}')) exit(1);
output('{"count":' + count + '}');
