import { connect as connectTcp } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { requestHead } from '../helpers/raw-http.js';
import { until } from '../helpers/until.js';
import { aTenant, sharedEngine } from './served.js';
import { connect } from './socket.js';

const engine = sharedEngine();

/** A complete text frame with a mask of zeros (RFC 6455 §5.2). */
const FRAME = Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x37]);

test('a client with a revoked key that does not answer the close frame publishes nothing more and is cut off', async (t) => {
  const api = await aTenant(await engine());
  const subscriber = await connect(api.url, '/v1/pubsub/ws?topic=a', { 'x-api-key': api.key });
  t.teardown(() => subscriber.ws.terminate());
  const { json } = await api.post('/v1/auth/keys', { name: 'to be revoked' });
  const { hostname, port } = new URL(api.url);
  const client = connectTcp(Number(port), hostname).setNoDelay(true);
  t.teardown(() => client.destroy());
  client.on('error', () => undefined);
  let received = '';
  client.setEncoding('latin1').on('data', (part) => {
    received += part;
  });
  client.write(
    requestHead(
      'GET',
      '/v1/pubsub/ws?topic=a',
      'Host: x',
      `X-API-Key: ${json.api_key}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ),
  );
  await until('the upgrade', () => received.includes('HTTP/1.1 101 '));
  client.write(FRAME);
  await until('its message', () => subscriber.frames.length > 0);
  t.is((await api.delete(`/v1/auth/keys/${json.id}`)).status, 200);
  await until('the close frame', () => received.includes('the credential has expired or was revoked'));
  const before = subscriber.frames.length;
  const writing = setInterval(() => client.write(FRAME), 20);
  t.teardown(() => clearInterval(writing));
  await until('the connection ends', () => client.destroyed);
  await delay(500);
  t.is(subscriber.frames.length, before);
});
