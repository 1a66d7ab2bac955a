import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ERRORS } from '../errors.js';
import type { Closable } from '../ports/closable.js';
import { type DependencyStates, healthReply } from './health.js';
import { listen } from './listen/listen.js';

/** The health and metrics of a worker process. */
export interface WorkerEndpoints {
  health(): Promise<DependencyStates>;
  metrics(): Promise<{ contentType: string; text: string }>;
}

/**
 * Serves `/health` and `/metrics` of a worker process, for its process manager and Prometheus. Not
 * authenticated: the responses contain no secrets, but the names of all namespaces.
 */
export async function startWorkerServer(
  endpoints: WorkerEndpoints,
  { host, port, onError }: { host: string; port: number; onError(error: Error): void },
): Promise<Closable & { url: string }> {
  const server = createServer((request, response) => {
    answer(endpoints, request, response).catch(() => {
      response.writeHead(503, { 'Content-Type': 'application/json' });
      const error = 'The state of the worker cannot be read right now; try again in a moment.';
      response.end(JSON.stringify({ error, code: 'unavailable' }));
    });
  });
  await listen(server, { host, port, setting: 'WORKER_PORT', onError });
  const { address, port: bound, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  endpoints: WorkerEndpoints,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [path] = (request.url ?? '').split('?');
  if (path !== '/health' && path !== '/metrics') return refuse(response, 'not_found');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    return refuse(response, 'method_not_allowed');
  }
  if (path === '/health') {
    const { status, body } = healthReply(await endpoints.health());
    response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
    response.end(JSON.stringify(body));
  } else {
    const { contentType, text } = await endpoints.metrics();
    response.writeHead(200, { 'Content-Type': contentType });
    response.end(text);
  }
}

function refuse(response: ServerResponse, code: 'not_found' | 'method_not_allowed'): void {
  response.writeHead(ERRORS[code].status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify({ error: 'A worker answers GET /health and GET /metrics.', code }));
}
