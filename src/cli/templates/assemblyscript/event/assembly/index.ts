import { cacheIncrement, exit, field, getEnv, input, logger, output, publish, quote } from './orama';

// Runs once per event, in its own instance: stdin contains the event, stdout is the output.
const event = input();
const name = field(field(event, 'data') || '', 'name') || '';
if (name == '') {
  logger.error('expected an event whose data has a name, and got: ' + event.substring(0, 200));
  exit(65); // exit codes 64–78 are not retried: the input is invalid
}
const count = cacheIncrement('guests:' + name).toString();
const greeting = (getEnv('GREETING') || '') + ', ' + name + '!';
logger.info((field(event, 'topic') || '') + ': ' + greeting);
// Any other exit code is retried as configured in function.yaml.
if (!publish('guests:greeted', '{"greeting":' + quote(greeting) + ',"count":' + count + '}')) exit(1);
output('{"count":' + count + '}');
