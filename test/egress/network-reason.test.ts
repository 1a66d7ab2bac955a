import { createServer } from 'node:net';
import test from 'ava';
import { egress, get } from '../helpers/egress.js';
import { freePort } from '../helpers/free-port.js';

async function answering(t: { teardown(undo: () => void): void }, answer: string | null): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => (answer === null ? socket.destroy() : socket.end(answer)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => void server.close());
  const address = server.address();
  return `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}

test('each network error has its own message with the reason and error code', async (t) => {
  const cases: [url: string, why: string][] = [
    [`http://127.0.0.1:${await freePort()}`, 'the connection was refused (ECONNREFUSED)'],
    [
      `http://${await answering(t, null)}`,
      'the connection was closed before the response was whole (ECONNRESET)',
    ],
    [
      `http://${await answering(t, 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\ncut')}`,
      'the connection was closed before the response was whole (ECONNRESET)',
    ],
    [`http://${await answering(t, 'SSH-2.0-OpenSSH_9.2\r\n')}`, 'what it answered is not valid HTTP'],
    [
      `https://${await answering(t, 'HTTP/1.1 400 Bad Request\r\n\r\n')}`,
      'it does not speak TLS as expected (EPROTO)',
    ],
  ];
  const client = egress(t, { allow: ['127.0.0.1'] });
  for (const [url, why] of cases) {
    await t.throwsAsync(client.fetch(get(url)), {
      code: 'unavailable',
      message: `${url} could not be reached: ${why}`,
    });
  }
});

test('the error of a timed out request states the timeout in seconds', async (t) => {
  const server = createServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  await t.throwsAsync(egress(t, { allow: ['127.0.0.1'] }).fetch(get(url, { timeoutMs: 500 })), {
    code: 'unavailable',
    message: `${url} did not answer within 0.5 s`,
  });
});
