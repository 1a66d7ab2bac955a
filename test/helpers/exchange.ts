import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An HTTP request and its response as sent over the network. */
export interface Exchange {
  method: string;
  path: string;
  request: string;
  status: number;
  response: string;
}

export interface ExchangeServer {
  url: string;
  /** The exchanges so far. */
  exchanges: Exchange[];
  close(): Promise<void>;
}

/** Starts a proxy that forwards requests to a real server and records them. */
export function recordingServer(target: string): Promise<ExchangeServer> {
  return serve(async ({ method, path, request }) => {
    const init = method === 'GET' ? {} : { body: request, headers: { 'content-type': 'application/json' } };
    const answer = await fetch(target + path, { method, ...init });
    return { status: answer.status, response: await answer.text() };
  });
}

/**
 * Starts a server that replays recorded responses in order. A request that differs from the
 * recorded one gets 400.
 */
export function replayingServer(file: string): Promise<ExchangeServer> {
  const recorded = JSON.parse(readFileSync(file, 'utf8')) as Exchange[];
  let next = 0;
  return serve(async ({ method, path, request }) => {
    const expected = recorded[next];
    if (
      expected === undefined ||
      expected.path !== path ||
      expected.request !== request ||
      expected.method !== method
    ) {
      return { status: 400, response: `not as recorded: ${method} ${path} ${request}` };
    }
    next += 1;
    return expected;
  });
}

/** Starts a server that gives every request the same response. */
export function respondingServer(answer: Pick<Exchange, 'status' | 'response'>): Promise<ExchangeServer> {
  return serve(async () => answer);
}

export function saveExchanges(file: string, exchanges: readonly Exchange[]): void {
  writeFileSync(file, `${JSON.stringify(exchanges, null, 2)}\n`);
}

type Answer = (
  asked: Pick<Exchange, 'method' | 'path' | 'request'>,
) => Promise<Pick<Exchange, 'status' | 'response'>>;

async function serve(answer: Answer): Promise<ExchangeServer> {
  const exchanges: Exchange[] = [];
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const asked = {
      method: request.method ?? '',
      path: request.url ?? '',
      request: Buffer.concat(chunks).toString(),
    };
    const answered = await answer(asked);
    exchanges.push({ ...asked, status: answered.status, response: answered.response });
    response.writeHead(answered.status, { 'content-type': 'application/json' }).end(answered.response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    exchanges,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
