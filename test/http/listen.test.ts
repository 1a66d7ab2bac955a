import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import { listen } from '../../src/http/listen/listen.js';

const setting = 'PORT';
/** As Node reports a connection that could not be accepted. */
const unaccepted = () => Object.assign(new Error('accept ENOMEM'), { code: 'ENOMEM', syscall: 'accept' });

const answering = () => createServer((_request, response) => response.end('answer'));
const closed = (server: Server) => new Promise((resolve) => server.close(resolve));

test('a listening server that cannot accept connections reports it at most once per second and goes on', async (t) => {
  const server = answering();
  const reported: Error[] = [];
  await listen(server, {
    host: '127.0.0.1',
    port: 0,
    setting,
    onError: (error) => reported.push(error),
  });
  for (let n = 0; n < 3; n++) t.notThrows(() => server.emit('error', unaccepted()));
  t.deepEqual(
    reported.map(({ message }) => message),
    ['accept ENOMEM'],
  );
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
  t.is(await response.text(), 'answer');
  await closed(server);
});

test('an address that cannot be listened on is refused with the reason', async (t) => {
  const [first, second] = [answering(), answering()];
  const onError = () => t.fail('reported as an error of a listening server');
  await listen(first, { host: '127.0.0.1', port: 0, setting, onError });
  const { port } = first.address() as AddressInfo;
  await t.throwsAsync(() => listen(second, { host: '127.0.0.1', port, setting, onError }), {
    code: 'bad_config',
    message: `Cannot listen on 127.0.0.1:${port}: another process has it; choose another PORT.`,
  });
  await closed(first);
});

test('an address that no other port would help is refused with an error that names HOST', async (t) => {
  const onError = () => t.fail('reported as an error of a listening server');
  for (const [host, reason] of [
    ['192.0.2.1', 'this machine has no such address'],
    ['host.invalid', 'its name could not be resolved \\((ENOTFOUND|EAI_\\w+)\\)'],
  ] as const) {
    await t.throwsAsync(() => listen(answering(), { host, port: 0, setting, onError }), {
      message: new RegExp(`^Cannot listen on ${host}:0: ${reason}.*; choose another HOST\\.$`),
    });
  }
});
