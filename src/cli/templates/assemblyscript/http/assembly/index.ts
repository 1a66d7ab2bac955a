import { field, getEnv, httpRequest, input, logger, output, quote, respond } from './orama';

// What stands here runs once per invocation, in an instance of its own. The body of an HTTP request and the input of any
// other invocation are the same.
let name = field(input(), 'name') || nameInQuery();
// An empty body, or one that is no JSON, names nobody.
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
