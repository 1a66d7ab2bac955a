import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { namespaceSchema } from '../../src/contract/ids.js';
import { egress, get, server } from '../helpers/egress.js';
import { textOf } from '../helpers/text-of.js';

const [one, other] = ['one', 'other'].map((name) => ({ namespace: namespaceSchema.parse(name) }));

test('requests of one namespace share a kept connection', async (t) => {
  const { url, connections } = await server(t, (_request, response) => response.end());
  const guarded = egress(t, { allow: ['127.0.0.1'] });
  await guarded.fetch(get(url, one));
  await guarded.fetch(get(url, one));
  t.is(connections(), 1);
});

test('a request that a server takes for two gets no other namespace the response to the second', async (t) => {
  const url = await serverIgnoringBodies(t);
  const guarded = egress(t, { allow: ['127.0.0.1'] });
  const body = Buffer.from('GET /planted HTTP/1.1\r\nHost: x\r\n\r\n');
  t.is(textOf((await guarded.fetch(get(`${url}/attack`, { ...one, body }))).body), '/attack');
  t.is(textOf((await guarded.fetch(get(`${url}/victim`, other))).body), '/victim');
});

/** A server that reads the body of a request as the next request, and responds with the paths. */
async function serverIgnoringBodies(t: ExecutionContext): Promise<string> {
  const tcp = createServer((socket) => {
    let unread = '';
    let turn = Promise.resolve();
    const respond = async (path: string) => {
      // Until another request waits for it: Node closes an idle connection that receives bytes.
      if (path === '/planted') await sleep(200);
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`);
    };
    socket.setEncoding('latin1').on('data', (part) => {
      const heads = `${unread}${part}`.split('\r\n\r\n');
      unread = heads.pop() ?? '';
      for (const [, path = ''] of heads.map((head) => head.split(' '))) turn = turn.then(() => respond(path));
    });
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
  t.teardown(() => tcp.close());
  return `http://127.0.0.1:${(tcp.address() as AddressInfo).port}`;
}
