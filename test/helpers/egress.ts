import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ExecutionContext } from 'ava';
import { type EgressOptions, openEgress } from '../../src/egress/fetch.js';
import type { EgressRequest } from '../../src/ports/egress.js';
import { aNamespace } from './attempt.js';
import { httpServer, type TestServer } from './http-server.js';

type Respond = (request: IncomingMessage, response: ServerResponse) => void;

export async function server(t: ExecutionContext, respond: Respond): Promise<TestServer> {
  const started = await httpServer(respond);
  t.teardown(() => started.close());
  return started;
}

export function egress(t: ExecutionContext, options: EgressOptions) {
  const opened = openEgress({ resolve: async (host) => names(host), ...options });
  t.teardown(() => opened.close());
  return opened;
}

/** DNS resolver of these tests: unknown names do not exist, and the real resolver is not used. */
export function names(host: string): string[] {
  const known: Record<string, string[]> = {
    'loopback.test': ['127.0.0.1'],
    'a.test': ['127.0.0.1'],
    'b.test': ['127.0.0.1'],
    'mixed.test': ['93.184.216.34', '10.0.0.1'],
    'metadata.test': ['169.254.169.254'],
    'mapped.test': ['::ffff:127.0.0.1'],
    'nat64.test': ['64:ff9b::7f00:1'],
    'public.test': ['93.184.216.34', '2606:4700::1'],
    'empty.test': [],
  };
  const found = known[host];
  if (found === undefined) throw new Error(`ENOTFOUND ${host}`);
  return found;
}

/** What these tests pass to `check`. */
export const asker = { namespace: aNamespace() };

export const get = (url: string, more: Partial<EgressRequest> = {}): EgressRequest => ({
  ...asker,
  method: 'GET',
  url,
  headers: {},
  body: new Uint8Array(0),
  timeoutMs: 30_000,
  maxResponseBytes: 1 << 20,
  ...more,
});
