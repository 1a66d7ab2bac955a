import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { WebSocket, WebSocketServer } from 'ws';
import type { Handshake } from '../../src/http/ws/handshake.js';
import { prepareInvokeSocket } from '../../src/http/ws/invoke-socket.js';
import { closeByServer } from '../../src/http/ws/server-close.js';
import { UnsentFrames } from '../../src/http/ws/unsent-frames.js';
import { aName, aNamespace, aRequestId } from '../helpers/attempt.js';
import { until } from '../helpers/until.js';

type Disconnect = (giveUp: () => void) => () => void;

/** Serves a function socket whose invocations end when the test says so. */
async function aSocket(t: ExecutionContext, mode?: 'accepting until closed') {
  let isGivenUp = false;
  let lost: Promise<unknown> = Promise.resolve();
  let side: WebSocket | undefined;
  const inputs: string[] = [];
  const ends: (() => void)[] = [];
  const running = { now: 0, most: 0 };
  const handshake = {
    services: {
      catalog: { candidates: async () => [{ is_public: true, metadata: {} }] },
      config: { SYNC_WAIT_SECONDS: 900 },
      invoker: {
        async call({ input }: { input: Uint8Array }, { onDisconnect }: { onDisconnect: Disconnect }) {
          if (mode === 'accepting until closed') await lost;
          const removeListener = onDisconnect(() => {
            isGivenUp = true;
          });
          inputs.push(Buffer.from(input).toString());
          running.now += 1;
          running.most = Math.max(running.most, running.now);
          await new Promise<void>((resolve) => ends.push(resolve));
          removeListener();
          running.now -= 1;
          return { id: aRequestId(), reply: null };
        },
      },
    },
    unsent: new UnsentFrames(),
    caller: { principal: null, namespace: aNamespace(), countUse: async () => undefined },
    params: { name: aName('probe') },
    query: {},
  } as unknown as Handshake;
  const { serve } = await prepareInvokeSocket(handshake);
  const sockets = new WebSocketServer({ noServer: true });
  const server = createServer().on('upgrade', (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (served) => {
      lost = once(served, 'close');
      side = served;
      serve(served);
    }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  let connection: Socket | undefined;
  const ws = new WebSocket(`ws://127.0.0.1:${port}`, {
    createConnection: () => {
      connection = connect(port, '127.0.0.1');
      return connection;
    },
  });
  await once(ws, 'open');
  t.teardown(() => {
    ws.terminate();
    server.close();
    server.closeAllConnections();
  });
  /** Writes all of it at once, so that the server reads it as one packet. */
  const together = (write: () => void) => {
    connection?.cork();
    write();
    connection?.uncork();
  };
  const end = async () => {
    for (const one of ends.splice(0)) one();
    await turn();
  };
  const closeByEngine = () => side && closeByServer(side, 1008, 'the credential has expired');
  return { ws, inputs, running, together, end, closeByEngine, isLost: () => lost, gaveUp: () => isGivenUp };
}

const MESSAGES = Array.from({ length: 300 }, (_, at) => `message ${at}`);

test('at most 64 messages of a function socket are invoked at once, also if more arrive in one packet', async (t) => {
  const { ws, inputs, running, together, end } = await aSocket(t);
  let replies = 0;
  ws.on('message', () => {
    replies += 1;
  });
  together(() => {
    for (const message of MESSAGES) ws.send(message);
  });
  await until('the first run', () => running.now >= 64);
  while (replies < MESSAGES.length) await end();
  t.is(running.most, 64);
  t.deepEqual(inputs, MESSAGES);
  ws.send('one more');
  await until('it is read', () => inputs.includes('one more'));
});

test('messages that wait when their client closes a function socket are still invoked', async (t) => {
  const { ws, inputs, running, together, end } = await aSocket(t);
  together(() => {
    for (const message of MESSAGES) ws.send(message);
    ws.close();
  });
  await once(ws, 'close');
  await until('all are invoked', async () => {
    await end();
    return inputs.length === MESSAGES.length;
  });
  t.is(running.most, 64);
});

test('messages that wait when the connection of a function socket is lost are dropped', async (t) => {
  const { ws, inputs, running, together, end, isLost } = await aSocket(t);
  together(() => {
    for (const message of MESSAGES) ws.send(message);
  });
  await until('the first run', () => running.now === 64);
  ws.terminate();
  await isLost();
  await until('they end', async () => {
    await end();
    return running.now === 0;
  });
  t.is(inputs.length, 64);
});

test('messages that wait when the engine closes a function socket are dropped, whatever code the client answers', async (t) => {
  const { ws, inputs, running, together, end, closeByEngine } = await aSocket(t);
  together(() => {
    for (const message of MESSAGES) ws.send(message);
  });
  await until('the first run', () => running.now === 64);
  closeByEngine();
  ws.close(1000);
  await until('they end', async () => {
    await end();
    return running.now === 0;
  });
  t.is(inputs.length, 64);
});

test('a call that is accepted while its client closes a function socket is not waited for', async (t) => {
  const { ws, together, gaveUp } = await aSocket(t, 'accepting until closed');
  together(() => {
    ws.send('last');
    ws.close();
  });
  await until('it is given up', () => gaveUp());
  t.pass();
});
