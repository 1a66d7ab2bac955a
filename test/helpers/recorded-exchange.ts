import { readFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { httpServer } from './http-server.js';

interface Replay {
  /** host:port */
  address: string;
  /** Returns the number of recorded requests that have not been received yet. */
  left(): number;
  close(): Promise<void>;
}

interface HttpExchange {
  request: string;
  status: number;
  body?: string;
  base64?: string;
}

interface RespExchange {
  request: string[];
  reply: string;
}

/**
 * Replays recorded responses of a real server, provided that requests are the same and in the same
 * order.
 */
export async function replayHttp(server: string): Promise<Replay> {
  const exchanges = await recorded<HttpExchange>(server);
  const http = await httpServer(async (request, response) => {
    const next = exchanges.shift();
    request.resume();
    if (next === undefined || next.request !== request.url) {
      response.writeHead(599).end(`not in the recording: ${request.url}`);
      return;
    }
    response.writeHead(next.status).end(next.body ?? Buffer.from(next.base64 ?? '', 'base64'));
  });
  return { address: `127.0.0.1:${http.port}`, left: () => exchanges.length, close: http.close };
}

/** The same for a server that speaks RESP2. */
export async function replayResp(server: string): Promise<Replay> {
  const exchanges = await recorded<RespExchange>(server);
  const sockets = new Set<Socket>();
  const listener: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (data) => {
      const next = exchanges.shift();
      const isSame = next !== undefined && data.toString('latin1') === encode(next.request);
      socket.write(isSame ? Buffer.from(next.reply, 'latin1') : '-ERR not in the recording\r\n');
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    address: `127.0.0.1:${address.port}`,
    left: () => exchanges.length,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        listener.close(() => resolve());
      }),
  };
}

async function recorded<T>(server: string): Promise<T[]> {
  const file = new URL(`../../../test/fixtures/${server}/recorded-exchange.json`, import.meta.url);
  return JSON.parse(await readFile(file, 'utf8')) as T[];
}

function encode(command: readonly string[]): string {
  return `*${command.length}\r\n${command.map((part) => `$${part.length}\r\n${part}\r\n`).join('')}`;
}
