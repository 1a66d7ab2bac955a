import { connect as connectTcp } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { MB } from '../../src/contract/limits.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { requestHead } from '../helpers/raw-http.js';
import { startEngine } from '../helpers/running-engine.js';
import { until } from '../helpers/until.js';
import { aTenant, sharedEngine } from './served.js';
import { connect } from './socket.js';

const IDLE_SECONDS = 3;
const engine = sharedEngine({ env: { REQUEST_IDLE_SECONDS: String(IDLE_SECONDS) } });

const UPGRADE = [
  'Host: x',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

/** A frame of a client (RFC 6455 §5.2) of 1 MB with a mask of zeros, without its last byte. */
function unfinishedFrame(): Buffer {
  const header = Buffer.alloc(14);
  header.set([0x82, 0x80 | 127]);
  header.writeBigUInt64BE(BigInt(MB), 2);
  return Buffer.concat([header, Buffer.alloc(MB - 1, 0x20)]);
}

/** A client that opens a socket and sends bytes as they are. */
function rawSocket(t: ExecutionContext, url: string, path: string) {
  const { hostname, port } = new URL(url);
  const connection = connectTcp(Number(port), hostname);
  t.teardown(() => connection.destroy());
  let received = '';
  connection.setEncoding('latin1').on('data', (part) => {
    received += part;
  });
  connection.on('error', () => undefined);
  let isOpen = true;
  connection.on('close', () => {
    isOpen = false;
  });
  connection.write(requestHead('GET', path, ...UPGRADE));
  return {
    connection,
    upgraded: () => until('the upgrade', () => received.includes('HTTP/1.1 101 ')),
    isOpen: () => isOpen,
    received: () => received,
  };
}

/** Matches the payload of a close frame. */
function closedWith(code: number, reason: string): RegExp {
  return new RegExp(`${String.fromCharCode(code >> 8, code & 0xff)}${reason}`);
}

async function publicProbe() {
  const tenant = await aTenant(await engine());
  await tenant.deploy('probe', await probeWasm(), { is_public: 'true' });
  return { tenant, path: `/v1/functions/probe/ws?namespace=${tenant.namespace}` };
}

test.serial(
  'unfinished messages of clients without a credential use at most 16 MB per address; more are closed with 1013',
  async (t) => {
    // With the default settings, so that none is closed for being idle.
    const own = await startEngine();
    t.teardown(own.close);
    const tenant = await aTenant(own);
    await tenant.deploy('probe', await probeWasm(), { is_public: 'true' });
    const path = `/v1/functions/probe/ws?namespace=${tenant.namespace}`;
    const sockets = Array.from({ length: 24 }, () => rawSocket(t, own.url, path));
    for (const { upgraded, connection } of sockets) {
      await upgraded();
      connection.write(unfinishedFrame());
    }
    const open = () => sockets.filter(({ isOpen }) => isOpen());
    await until('those beyond 16 MB are closed', () => open().length <= 16);
    // A message of nearly 1 MB and the answer of its socket do not fit beside fifteen others
    // exactly.
    t.true(open().length >= 15);
    const refused = sockets.find(({ isOpen }) => !isOpen());
    t.regex(refused?.received() ?? '', closedWith(1013, 'too many unfinished messages'));
    // Complete messages are not accounted, and those that have ended make room.
    for (const { connection } of open()) connection.destroy();
    const next = rawSocket(t, own.url, path);
    await next.upgraded();
    next.connection.write(Buffer.concat([unfinishedFrame(), Buffer.from(' ')]));
    await until('the input is answered', () => /"status":/.test(next.received()));
    t.true(next.isOpen());
  },
);

test.serial(
  'a message that does not go on is closed with 1008, and a socket that is idle between messages is kept',
  async (t) => {
    const { tenant, path } = await publicProbe();
    const idle = await connect(tenant.url, path);
    t.teardown(() => idle.ws.terminate());
    idle.ws.send(commands({ op: 'echo', a: 'first' }));
    await idle.next('the first answer', ({ status }) => status === 'success');
    const stuck = rawSocket(t, tenant.url, path);
    await stuck.upgraded();
    stuck.connection.write(unfinishedFrame().subarray(0, 1000));
    await until('it is closed', () => !stuck.isOpen());
    t.regex(stuck.received(), closedWith(1008, `an unfinished message did not go on for ${IDLE_SECONDS} s`));
    // The idle one has answered pings meanwhile, which are no message.
    await delay(1500 * IDLE_SECONDS);
    idle.ws.send(commands({ op: 'echo', a: 'second' }));
    await until('the second answer', () => idle.frames.length === 2);
    t.is(idle.ws.readyState, idle.ws.OPEN);
  },
);

test.serial('a socket is kept that has sent a pong in two parts and nothing after it', async (t) => {
  const { tenant, path } = await publicProbe();
  const { connection, upgraded, isOpen, received } = rawSocket(t, tenant.url, path);
  await upgraded();
  connection.setNoDelay(true);
  const pong = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);
  connection.write(pong.subarray(0, 3));
  await delay(200);
  connection.write(pong.subarray(3));
  await delay(1500 * IDLE_SECONDS);
  t.true(isOpen(), received());
});
