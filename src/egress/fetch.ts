import { lookup } from 'node:dns/promises';
import type { IncomingMessage } from 'node:http';
import { AppError, isAppError } from '../errors.js';
import { networkReason } from '../network-reason.js';
import type { Egress, EgressRequest, EgressResponse } from '../ports/egress.js';
import { parseAllowList, parseHostList, targetOf } from './allow.js';
import { createDecoder } from './decode.js';
import { dropBodyHeaders, dropCredentials, incoming, outgoing } from './headers.js';
import { allowedAddresses, checkAllowedHosts, parseTarget, type Resolve } from './rules.js';
import { createSender } from './sender.js';
import { createZstd } from './zstd.js';

export interface EgressOptions {
  /**
   * `EGRESS_ALLOW`: networks, addresses, hosts and `*.suffix` that may be reached although they are
   * private.
   */
  allow: readonly string[];
  /** DNS resolver, replaced in tests. Default: the system's resolver, including the hosts file. */
  resolve?: Resolve;
}

const MAX_REDIRECTS = 5;
const METHOD = /^[A-Za-z]{1,20}$/;

/**
 * Creates the HTTP client for outgoing requests. Throws `bad_config` for an `allow` list that
 * cannot be parsed.
 */
export function createEgress({ allow, resolve = systemResolve }: EgressOptions): Egress {
  const allowList = parseAllowList(allow);
  const sender = createSender(allowList, resolve);
  const zstd = createZstd();
  const decode = createDecoder(zstd);

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
      throw new AppError('unavailable', `${url.origin} could not be reached: ${networkReason(error)}`, {
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
      const response = await orAborted(sender.send(url, { method, headers, body, signal }), signal);
      const status = response.statusCode ?? 0;
      const received = incoming(response.rawHeaders);
      const location = locationOf(status, received, url);
      const isAnswer = request.keepMethod === true && becomesGet(status, method);
      if (location === null || isAnswer) {
        const answer = { status, ...(redirects === 0 ? {} : { redirectedTo: url.href }) };
        if (request.ignoresBody) {
          cutOff(response);
          return { ...answer, headers: received, body: new Uint8Array() };
        }
        const read = await readBody(response, request.maxResponseBytes);
        return { ...answer, ...(await decoded(received, read, request, signal)) };
      }
      cutOff(response);
      if (redirects === MAX_REDIRECTS) {
        throw new AppError('unavailable', `${start.origin} redirected more than ${MAX_REDIRECTS} times`);
      }
      const next = parseTarget(location);
      if (next.origin !== url.origin) dropCredentials(headers);
      if (becomesGet(status, method)) {
        method = 'GET';
        body = null;
        dropBodyHeaders(headers);
      }
      url = next;
    }
  }

  /**
   * Decodes the body. The returned headers describe the decoded bytes, so that the caller does not
   * decode them again.
   */
  async function decoded(
    headers: EgressResponse['headers'],
    body: Uint8Array,
    { maxResponseBytes: maxBytes }: EgressRequest,
    signal: AbortSignal,
  ): Promise<Pick<EgressResponse, 'headers' | 'body'>> {
    const encoding = headers['content-encoding'];
    // Responses to HEAD and 304 responses have a Content-Encoding but no body.
    if (typeof encoding !== 'string' || body.byteLength === 0) return { headers, body };
    const bytes = await decode(body, encoding, { maxBytes, signal });
    if (bytes === null) return { headers, body };
    const { 'content-encoding': _, 'content-length': __, ...rest } = headers;
    return { headers: rest, body: bytes };
  }

  async function check(text: string, allowedHosts?: readonly string[]): Promise<void> {
    checkAllowedHosts(parseTarget(text), allowedHosts === undefined ? null : parseHostList(allowedHosts));
    await allowedAddresses(targetOf(parseTarget(text)), allowList, resolve);
  }

  return {
    fetch,
    check,
    async close() {
      sender.close();
      await zstd.close();
    },
  };
}

/**
 * Settles as the promise does, or rejects when the signal is aborted. `http.request` reacts to an
 * abort only after the lookup, so an unresponsive name server would block it.
 */
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
  // CONNECT would open a tunnel that bypasses all further checks.
  if (METHOD.test(method) && method !== 'CONNECT' && method !== 'TRACE') return method;
  throw new AppError('invalid_request', `This is no HTTP method that can be sent: ${JSON.stringify(text)}`);
}

/** Returns the target URL of a redirect, or null if the response is final. */
function locationOf(status: number, { location }: EgressResponse['headers'], from: URL): string | null {
  if (![301, 302, 303, 307, 308].includes(status)) return null;
  if (typeof location !== 'string' || !URL.canParse(location, from.href)) return null;
  return new URL(location, from).href;
}

function becomesGet(status: number, method: string): boolean {
  return status === 303 ? method !== 'HEAD' : (status === 301 || status === 302) && method === 'POST';
}

/**
 * Destroys a response whose body is not needed and may be endless. The resulting error event is
 * ignored.
 */
function cutOff(response: IncomingMessage): void {
  response.on('error', () => {}).destroy();
}

async function readBody(response: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response as AsyncIterable<Uint8Array>) {
    size += part.length;
    // Throwing out of the loop destroys the body and its connection.
    if (size > maxBytes) {
      throw new AppError('payload_too_large', `The response is larger than ${maxBytes} bytes`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}
