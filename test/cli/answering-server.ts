import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { httpServer } from '../helpers/http-server.js';

/** A request as the server received it. */
export interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}

/** Starts an HTTP server that responds with `answer` and records the requests of the CLI. */
export async function answeringServer(answer: (request: Seen, response: ServerResponse) => void) {
  const seen: Seen[] = [];
  const server = await httpServer(async (request, response) => {
    const body = (await buffer(request)).toString('latin1');
    const one = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
    seen.push(one);
    answer(one, response);
  });
  return { seen, env: { ORAMA_URL: server.url, ORAMA_API_KEY: 'ak_test:ns' }, close: server.close };
}

export function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

/** A function as the API lists it. */
export const RECORD = {
  id: 'f1',
  name: 'hello',
  namespace: 'ns',
  version: 3,
  wasm_cid: 'bafy',
  memory_limit_mb: 64,
  timeout_seconds: 30,
  is_public: false,
  retry_count: 0,
  retry_delay_seconds: 5,
  status: 'active',
  warm_start: 'fresh',
  warm_start_reason: null,
  created_at: '2026-01-01T00:00:00.000Z',
  updated_at: '2026-01-01T00:00:00.000Z',
  created_by: 'admin',
};
