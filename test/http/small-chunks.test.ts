import test from 'ava';
import { rawHttp, requestHead } from '../helpers/raw-http.js';
import { watchMemory } from '../helpers/rss.js';
import { startEngine } from '../helpers/running-engine.js';

const BYTES = 400_000;
/** The garbage of reading them; each chunk that is kept takes 400 bytes of the process. */
const MOST_MB = 90;

test('a body in chunks of one byte takes no multiple of its size in memory', async (t) => {
  const engine = await startEngine();
  t.teardown(engine.close);
  const memory = await watchMemory(engine.pid);
  const headers = ['Host: x', 'Transfer-Encoding: chunked', 'Connection: close'];
  const head = requestHead('POST', '/v1/auth/challenge', ...headers);
  const { received } = await rawHttp(engine.url, `${head}${'1\r\n \r\n'.repeat(BYTES)}0\r\n\r\n`);
  t.regex(received, /^HTTP\/1\.1 400 /);
  const grown = (await memory.end()) - memory.before;
  t.log(`${grown.toFixed(0)} MB more`);
  t.true(grown < MOST_MB, `${grown.toFixed(0)} MB`);
});
