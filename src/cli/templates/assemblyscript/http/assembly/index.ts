import { field, getEnv, httpRequest, input, logger, output, quote, respond } from './orama';

// Runs once per invocation, in its own instance. stdin contains the body of an HTTP request or the
// input of any other invocation.
let name = field(input(), 'name') || nameInQuery();
// The body is empty or not JSON.
if (name == '') name = 'World';
logger.info('greeting ' + name);
respond(200, '{"content-type":"application/json"}');
output('{"greeting":' + quote((getEnv('GREETING') || '') + ', ' + name + '!') + '}');

function nameInQuery(): string {
  const request = httpRequest();
  if (request === null) return '';
  const values = request.query('name');
  return values.length > 0 ? values[0] : '';
}
