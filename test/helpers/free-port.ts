import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { nodeErrorCode } from '../../src/node-error-code.js';

/**
 * The range of the returned ports. It is below the ports that systems give to outgoing connections
 * (from 32,768 on Linux, from 49,152 elsewhere): any connection of any test could otherwise take a
 * port before the server that it was meant for is started, or while that server is restarted.
 */
const FIRST = 15_000;
const END = 32_000;

const returned = new Set<number>();

/** Returns a free loopback port, and none twice. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, END);
    if (returned.has(port) || !(await isFree(port))) continue;
    returned.add(port);
    return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    if (nodeErrorCode(error) === 'EADDRINUSE') return false;
    throw error;
  }
  server.close();
  await once(server, 'close');
  return true;
}
