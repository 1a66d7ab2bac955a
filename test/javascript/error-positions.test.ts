import test from 'ava';
import { run } from './running.js';

test('the position of an error of a custom class is where it was thrown, not its constructor', async (t) => {
  const source = `import { NonRetryableError } from 'orama';
class AppError extends Error {
  constructor(message) {
    super(message);
  }
}
class NotFound extends AppError {
  constructor(what) {
    super(what + ' not found');
  }
}
class Refused extends NonRetryableError {
  constructor() {
    super('refused');
  }
}
const AppErrors = { NotFound, AppError, Refused };
const fail = (name) => {
  throw new AppErrors[name]('x');
};
export default ({ name, read }) => {
  try { fail(name); } catch (error) { if (read) return error.stack; throw error; }
};`;
  const headlines = {
    AppError: 'Error: x',
    NotFound: 'Error: x not found',
    Refused: 'NonRetryableError: refused',
  };
  for (const [name, headline] of Object.entries(headlines)) {
    const { error, log } = await run(source, { name });
    t.regex(error ?? '', new RegExp(`^exited with code \\d+: ${headline} \\(index\\.ts:19\\)$`), name);
    const stack = `${headline}\n    at fail (index.ts:19)\n    at index_default (index.ts:22)`;
    t.is(log[0], `error: ${stack}`, name);
    t.is(JSON.parse((await run(source, { name, read: true })).output), stack, name);
  }
});
