import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { WebSocketServer } from 'ws';
import { UnfinishedMessage } from '../../src/http/ws/unfinished-message.js';
import { requestHead } from '../helpers/raw-http.js';
import { until } from '../helpers/until.js';

/** A masked frame of a client (RFC 6455 §5.2) of at most 125 bytes. */
function frame(opcode: number, isLast: boolean, payload: Buffer): Buffer {
  const head = [(isLast ? 0x80 : 0) | opcode, 0x80 | payload.length, 0, 0, 0, 0];
  return Buffer.concat([Buffer.from(head), payload]);
}
const [CONTINUATION, BINARY, PONG] = [0, 2, 10];
const BYTE = Buffer.from('a');
const pong = frame(PONG, true, Buffer.alloc(125));

/** A socket whose unfinished message is accounted, and its raw client. */
async function aSocket(t: ExecutionContext) {
  let held = 0;
  let read = 0;
  const reservation = {
    take(bytes: number) {
      held += bytes;
      return true;
    },
    release() {
      held = 0;
    },
  };
  const sockets = new WebSocketServer({ noServer: true });
  const server = createServer().on('upgrade', (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (ws) => {
      new UnfinishedMessage(ws, socket as Socket, reservation, () => t.fail('nothing is exceeded'));
      const before = (socket as Socket).bytesRead;
      socket.on('data', () => {
        read = (socket as Socket).bytesRead - before;
      });
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').setNoDelay(true);
  t.teardown(() => {
    client.destroy();
    server.close();
  });
  const upgrade = ['Host: x', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
  client.write(requestHead('GET', '/', ...upgrade, 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='));
  await once(client, 'data');
  let sent = 0;
  return {
    held: () => held,
    /** Resolves when the server has read it. */
    async send(bytes: Buffer) {
      sent += bytes.length;
      client.write(bytes);
      await until('the server has read it', () => read === sent);
    },
  };
}

test('fragments of a byte are accounted with the memory of their buffers, until the message is complete', async (t) => {
  const { send, held } = await aSocket(t);
  const count = 10_000;
  await send(frame(BINARY, false, BYTE));
  await send(Buffer.concat(Array.from({ length: count - 1 }, () => frame(CONTINUATION, false, BYTE))));
  t.true(held() > 200 * count, String(held()));
  await send(frame(CONTINUATION, true, BYTE));
  t.is(held(), 0);
});

test('control frames between the fragments of a message are accounted, as they are kept with them', async (t) => {
  const { send, held } = await aSocket(t);
  await send(Buffer.concat(Array.from({ length: 1000 }, () => pong)));
  t.is(held(), 0, 'nothing is kept of control frames before a message');
  await send(frame(BINARY, false, BYTE));
  for (let count = 0; count < 10; count++) {
    await send(Buffer.concat([...Array.from({ length: 400 }, () => pong), frame(CONTINUATION, false, BYTE)]));
  }
  t.true(held() >= 10 * 400 * pong.length, String(held()));
  await send(frame(CONTINUATION, true, BYTE));
  t.is(held(), 0);
});

test('fragments that are read together with the end of the message before them are accounted', async (t) => {
  const { send, held } = await aSocket(t);
  const begun = [frame(BINARY, true, BYTE), frame(BINARY, false, BYTE)];
  await send(
    Buffer.concat([...begun, ...Array.from({ length: 1000 }, () => frame(CONTINUATION, false, BYTE))]),
  );
  t.true(held() > 200 * 1000, String(held()));
  await send(frame(CONTINUATION, true, BYTE));
  t.is(held(), 0);
});
