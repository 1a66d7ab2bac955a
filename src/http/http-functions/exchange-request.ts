import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { HttpExchangeRequest } from '../../contract/http-exchange.js';
import type { ClientAddresses } from '../admission/client-address.js';
import type { RequestTarget } from './target.js';

export interface Matched {
  /** Null for the function's own address. */
  route: string | null;
  params: Record<string, string>;
}

/**
 * Returns the result of `http_request()` for a request. `hidden` lists headers that are withheld
 * from the function.
 */
export function exchangeRequestOf(
  request: IncomingMessage,
  target: RequestTarget,
  { route, params }: Matched,
  { clients, hidden }: { clients: ClientAddresses; hidden: ReadonlySet<string> },
): HttpExchangeRequest {
  return {
    // HEAD is passed as GET; the engine drops the body.
    method: request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET'),
    url: `${clients.originOf(request)}${request.url ?? '/'}`,
    path: target.fullPath,
    query: queryOf(target.search),
    params,
    headers: headersOf(request.headers, hidden),
    remote_address: clients.addressOf(request),
    namespace: target.namespace,
    route,
  };
}

function queryOf(search: string): Record<string, string[]> {
  const query: Record<string, string[]> = Object.create(null);
  for (const [name, value] of new URLSearchParams(search)) {
    const values = query[name];
    if (values === undefined) query[name] = [value];
    else values.push(value);
  }
  return query;
}

/**
 * Node has already joined repeated headers (RFC 9110 §5.3), except `set-cookie`, which is a list.
 */
function headersOf(given: IncomingHttpHeaders, hidden: ReadonlySet<string>): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || hidden.has(name)) continue;
    headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}
