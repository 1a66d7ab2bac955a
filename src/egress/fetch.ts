import { lookup } from 'node:dns/promises';
import { type Dispatcher, errors, request as send } from 'undici';
import { AppError, isAppError, messageOf } from '../errors.js';
import type { Egress, EgressRequest, EgressResponse } from '../ports/egress.js';
import { parseAllowList, parseHostList, targetOf } from './allow.js';
import { dropBodyHeaders, dropCredentials, incoming, outgoing } from './headers.js';
import { createPinnedAgent } from './pinned-agent.js';
import { allowedAddresses, checkAllowedHosts, parseTarget, type Resolve } from './rules.js';

export interface EgressOptions {
  /** `EGRESS_ALLOW`: networks, addresses, hosts and `*.suffix` that may be reached though private. */
  allow: readonly string[];
  /** For tests; the system's resolver, hosts file included, if absent. */
  resolve?: Resolve;
}

const MAX_REDIRECTS = 5;
const METHOD = /^[A-Za-z]{1,20}$/;

/** Throws `bad_config` for a list that cannot be read. */
export function createEgress({ allow, resolve = systemResolve }: EgressOptions): Egress {
  const allowList = parseAllowList(allow);
  const agent = createPinnedAgent(allowList, resolve);

  async function fetch(request: EgressRequest): Promise<EgressResponse> {
    const timeout = AbortSignal.timeout(request.timeoutMs);
    const signal = request.signal === undefined ? timeout : AbortSignal.any([timeout, request.signal]);
    const url = parseTarget(request.url);
    try {
      return await follow(request, url, signal);
    } catch (error) {
      if (isAppError(error)) throw error;
      if (request.signal?.aborted)
        throw new AppError('cancelled', 'The request was cancelled', { cause: error });
      if (timeout.aborted) {
        const seconds = request.timeoutMs / 1000;
        throw new AppError('unavailable', `${url.origin} did not answer within ${seconds} s`, {
          cause: error,
        });
      }
      if (error instanceof errors.InvalidArgumentError) {
        throw new AppError('invalid_request', `The request cannot be sent: ${error.message}`, {
          cause: error,
        });
      }
      throw new AppError('unavailable', `${url.origin} could not be reached: ${reasonOf(error)}`, {
        cause: error,
      });
    }
  }

  async function follow(request: EgressRequest, start: URL, signal: AbortSignal): Promise<EgressResponse> {
    const isListed = request.allowedHosts === undefined ? null : parseHostList(request.allowedHosts);
    const headers = outgoing(request.headers);
    let method = checkMethod(request.method);
    let body: Uint8Array | null = request.body.length > 0 ? request.body : null;
    let url = start;
    for (let redirects = 0; ; redirects += 1) {
      checkAllowedHosts(url, isListed);
      const sent = send(url, {
        dispatcher: agent,
        method: method as Dispatcher.HttpMethod,
        headers: Object.fromEntries(headers),
        body,
        signal,
        // The one timeout of the request, above, covers these too.
        headersTimeout: 0,
        bodyTimeout: 0,
      });
      const response = await orAborted(sent, signal);
      const location = locationOf(response, url);
      if (location === null) {
        return {
          status: response.statusCode,
          headers: incoming(response.headers),
          body: await readBody(response, request.maxResponseBytes),
        };
      }
      // Not read to the end: it is nobody's, and may be endless. Cutting it off is reported as an error.
      response.body.on('error', () => {}).destroy();
      if (redirects === MAX_REDIRECTS) {
        throw new AppError('unavailable', `${start.origin} redirected more than ${MAX_REDIRECTS} times`);
      }
      const next = parseTarget(location);
      if (next.origin !== url.origin) dropCredentials(headers);
      if (becomesGet(response.statusCode, method)) {
        method = 'GET';
        body = null;
        dropBodyHeaders(headers);
      }
      url = next;
    }
  }

  async function check(text: string, allowedHosts?: readonly string[]): Promise<void> {
    checkAllowedHosts(parseTarget(text), allowedHosts === undefined ? null : parseHostList(allowedHosts));
    await allowedAddresses(targetOf(parseTarget(text)), allowList, resolve);
  }

  return { fetch, check, close: () => agent.destroy() };
}

/** undici hears of an abort only once it is connected: a name server or a server that says nothing would hold it up. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

async function systemResolve(host: string): Promise<string[]> {
  const found = await lookup(host, { all: true });
  return found.map(({ address }) => address);
}

function checkMethod(text: string): string {
  const method = text.toUpperCase();
  // CONNECT would make a tunnel, past every check that follows.
  if (METHOD.test(method) && method !== 'CONNECT' && method !== 'TRACE') return method;
  throw new AppError('invalid_request', `This is no HTTP method that can be sent: ${JSON.stringify(text)}`);
}

/** Where a response sends us, or null when it is the answer. */
function locationOf(response: Dispatcher.ResponseData, from: URL): string | null {
  if (![301, 302, 303, 307, 308].includes(response.statusCode)) return null;
  const { location } = response.headers;
  if (typeof location !== 'string' || !URL.canParse(location, from.href)) return null;
  return new URL(location, from).href;
}

function becomesGet(status: number, method: string): boolean {
  return status === 303 ? method !== 'HEAD' : (status === 301 || status === 302) && method === 'POST';
}

async function readBody(response: Dispatcher.ResponseData, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body as AsyncIterable<Uint8Array>) {
    size += part.length;
    // Throwing out of the loop destroys the body, and with it the connection.
    if (size > maxBytes) {
      throw new AppError('payload_too_large', `The response is larger than ${maxBytes} bytes`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** What the network did. Several addresses that all failed make an AggregateError, whose own message is empty. */
function reasonOf(error: unknown): string {
  return error instanceof AggregateError ? error.errors.map(messageOf).join('; ') : messageOf(error);
}
