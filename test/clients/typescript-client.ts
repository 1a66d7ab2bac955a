import type { ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { WebSocket } from 'ws';
import { type Client, type ClientOptions, createClient } from '../../clients/typescript/src/index.js';
import { startClientEngine } from '../helpers/client-engine.js';
import { httpServer } from '../helpers/http-server.js';
import { shared } from '../helpers/shared.js';

/** An engine of its own for each file. */
export const started = shared(startClientEngine);

/** A client of an engine that has the function "hello". */
export async function client(options: Partial<ClientOptions> = {}): Promise<Client> {
  const { env } = await started();
  return createClient({
    url: env.ORAMA_URL ?? '',
    apiKey: env.ORAMA_API_KEY ?? '',
    webSocket: (url, protocols) => new WebSocket(url, protocols),
    ...options,
  });
}

/** Starts a server that refuses `times` requests and then responds normally. */
export async function refusing(times: number, refuse: (response: ServerResponse) => void) {
  const bodies: string[] = [];
  const server = await httpServer(async (request, response) => {
    bodies.push((await buffer(request)).toString());
    if (bodies.length <= times) return refuse(response);
    response.writeHead(200, {
      'x-request-id': 'r',
      'x-function-version': '1',
      'content-type': 'application/json',
    });
    response.end('{"status":"ok","triggered":0}');
  });
  return { ...server, bodies };
}
