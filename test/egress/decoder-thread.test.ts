import { syncBuiltinESMExports } from 'node:module';
import workerThreads from 'node:worker_threads';
import test from 'ava';
import { egress, get, server } from '../helpers/egress.js';
import { textOf } from '../helpers/text-of.js';

/** The text "hello, hello, hello, hello", encoded by the reference implementation. */
const ZSTD_HELLO = Buffer.from('KLUv/QRYbQAAOGhlbGxvLCABAEqKEY+ZUzc=', 'base64');

test('a response is not called wrong when the thread that decodes it cannot be started', async (t) => {
  const { url } = await server(t, (_request, response) => {
    response.writeHead(200, { 'content-encoding': 'zstd' });
    response.end(ZSTD_HELLO);
  });
  const client = egress(t, { allow: ['127.0.0.1'] });
  const allow = refuseThreads();
  t.teardown(allow);
  await t.throwsAsync(client.fetch(get(url)), {
    code: 'unavailable',
    message: 'The response could not be decoded: its thread failed (Worker initialization failure: EAGAIN)',
  });
  allow();
  t.is(textOf((await client.fetch(get(url))).body), 'hello, hello, hello, hello');
});

/** Has `new Worker` throw as Node does beyond the limit of threads, until the result is called. */
function refuseThreads(): () => void {
  const { Worker } = workerThreads;
  const refused = function refused() {
    const code = 'ERR_WORKER_INIT_FAILED';
    throw Object.assign(new Error('Worker initialization failure: EAGAIN'), { code });
  };
  const use = (type: unknown) => {
    Object.assign(workerThreads, { Worker: type });
    syncBuiltinESMExports();
  };
  use(refused);
  return () => use(Worker);
}
