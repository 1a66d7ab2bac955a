import {
  cacheIncrement,
  field,
  getEnv,
  input,
  logger,
  output,
  quote,
} from '../../../sdk/assemblyscript/assembly/orama';

// Greets, and counts how often it did: {"name":"Ada"} gives {"greeting":"Hello, Ada!","visits":1}.
const name = field(input(), 'name') || 'World';
const greeting = (getEnv('GREETING') || 'Hi') + ', ' + name + '!';
const visits = cacheIncrement('visits');

logger.info('greeted ' + name);
output('{"greeting":' + quote(greeting) + ',"visits":' + visits.toString() + '}');
