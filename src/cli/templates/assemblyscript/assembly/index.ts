import { field, input, logger, output, quote } from './orama';

// What stands here runs once per invocation, in an instance of its own: read the input, write the output.
const name = field(input(), 'name') || 'World';
logger.info('greeting ' + name);
output('{"greeting":' + quote('Hello, ' + name + '!') + '}');
