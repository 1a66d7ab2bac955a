import type { IncomingMessage } from 'node:http';
import { FairLimiter, type FairLimits } from '../concurrency/fair-limiter.js';
import { type AllowList, parseAllowList, parseHostList, targetOf } from '../contract/host-rules.js';
import { parseUrl } from '../contract/parse-url.js';
import { show } from '../contract/show.js';
import { AppError, isAppError } from '../errors.js';
import { networkReason } from '../network-reason.js';
import type { Egress, EgressCheck, EgressRequest, EgressResponse } from '../ports/egress.js';
import { createDecoder } from './decode.js';
import { dropBodyHeaders, dropCredentials, incoming, outgoing } from './headers.js';
import { createNameLookups, LOOKUP_MS, type NameLookups, type Resolve } from './name-lookups.js';
import { orAborted } from './or-aborted.js';
import { allowedAddresses, checkAllowedHosts, parseTarget } from './rules.js';
import { openSender, type Sender } from './sender.js';
import { createSystemResolver } from './system-resolver.js';
import { openZstd } from './zstd.js';

export interface EgressOptions {
  /**
   * `EGRESS_ALLOW`: networks, addresses, hosts and `*.suffix` that may be reached although they are
   * private.
   */
  allow: readonly string[];
  /** DNS resolver, replaced in tests. Default: the system's name servers and hosts file. */
  resolve?: Resolve;
  /** Time limit of a name lookup, shorter in tests. */
  lookupTimeoutMs?: number;
}

const MAX_REDIRECTS = 5;
/**
 * Bodies that are decoded at once, by namespace and in all. A decoder holds the decoded bytes and a
 * window of up to 16 MB.
 */
const DECODED_AT_ONCE: FairLimits = { each: 2, all: 4 };
const METHOD = /^[A-Za-z]{1,20}$/;

/** Creates the HTTP client. Throws `bad_config` for an `allow` list that cannot be parsed. */
export function openEgress(options: EgressOptions): Egress {
  return new CheckedEgress(options);
}

/** A hop of a request: what is sent to one URL. Redirects change it. */
interface Hop {
  url: URL;
  method: string;
  headers: Map<string, string>;
  body: Uint8Array | null;
}

/** The HTTP client for outgoing requests. */
class CheckedEgress implements Egress {
  readonly #allowList: AllowList;
  readonly #names: NameLookups;
  readonly #sender: Sender;
  readonly #zstd = openZstd();
  readonly #decode = createDecoder(this.#zstd);
  readonly #decoding = new FairLimiter(DECODED_AT_ONCE);

  constructor({ allow, resolve = createSystemResolver(), lookupTimeoutMs = LOOKUP_MS }: EgressOptions) {
    this.#allowList = parseAllowList(allow);
    this.#names = createNameLookups(resolve, lookupTimeoutMs);
    this.#sender = openSender({ allow: this.#allowList, names: this.#names });
  }

  async fetch(request: EgressRequest): Promise<EgressResponse> {
    const timeout = AbortSignal.timeout(request.timeoutMs);
    const signal = request.signal === undefined ? timeout : AbortSignal.any([timeout, request.signal]);
    const url = parseTarget(request.url);
    try {
      return await this.#follow(request, url, signal);
    } catch (error) {
      throw failureOf(error, request, url.origin, timeout);
    }
  }

  async check(text: string, { namespace, allowedHosts }: EgressCheck): Promise<void> {
    const url = parseTarget(text);
    checkAllowedHosts(url, allowedHosts === undefined ? null : parseHostList(allowedHosts));
    const guard = { allow: this.#allowList, names: this.#names };
    await allowedAddresses(targetOf(url), guard, { namespace });
  }

  async close(): Promise<void> {
    this.#sender.close();
    await this.#zstd.close();
  }

  async #follow(request: EgressRequest, start: URL, signal: AbortSignal): Promise<EgressResponse> {
    const isListed = request.allowedHosts === undefined ? null : parseHostList(request.allowedHosts);
    const hop: Hop = {
      url: start,
      headers: outgoing(request.headers),
      method: checkMethod(request.method),
      body: request.body.length > 0 ? request.body : null,
    };
    for (let redirects = 0; ; redirects += 1) {
      checkAllowedHosts(hop.url, isListed);
      // `http.request` reacts to an abort only after the lookup, which may wait for others.
      const sent = this.#sender.send(hop.url, { ...hop, signal, namespace: request.namespace });
      const response = await orAborted(sent, signal);
      const status = response.statusCode ?? 0;
      const headers = incoming(response.rawHeaders);
      const location = locationOf(status, headers, hop.url);
      const isAnswer = request.keepMethod === true && becomesGet(status, hop.method);
      if (location === null || isAnswer) {
        const answer = { status, ...(redirects === 0 ? {} : { redirectedTo: hop.url.href }) };
        return { ...answer, ...(await this.#read(response, headers, request, signal)) };
      }
      cutOff(response);
      if (redirects === MAX_REDIRECTS) {
        throw new AppError('unavailable', `${start.origin} redirected more than ${MAX_REDIRECTS} times`);
      }
      redirect(hop, parseTarget(location), status);
    }
  }

  /**
   * Reads and decodes the body. The returned headers describe the decoded bytes, so that the caller
   * does not decode them again.
   */
  async #read(
    response: IncomingMessage,
    headers: EgressResponse['headers'],
    { ignoresBody, namespace, maxResponseBytes: maxBytes, onBytes = () => {} }: EgressRequest,
    signal: AbortSignal,
  ): Promise<Pick<EgressResponse, 'headers' | 'body'>> {
    if (ignoresBody) {
      cutOff(response);
      return { headers, body: new Uint8Array() };
    }
    const body = await readBody(response, maxBytes, onBytes);
    const encoding = headers['content-encoding'];
    // Responses to HEAD and 304 responses have a Content-Encoding but no body.
    if (typeof encoding !== 'string' || body.byteLength === 0) return { headers, body };
    const decode = () => this.#decode(body, encoding, { maxBytes, signal });
    const bytes = await this.#decoding.run(namespace, decode);
    if (bytes === null) return { headers, body };
    onBytes(bytes.byteLength);
    const { 'content-encoding': _, 'content-length': __, ...rest } = headers;
    return { headers: rest, body: bytes };
  }
}

/** Changes a hop to the next one, to which a response with this status redirects. */
function redirect(hop: Hop, next: URL, status: number): void {
  if (next.origin !== hop.url.origin) dropCredentials(hop.headers);
  if (becomesGet(status, hop.method)) {
    hop.method = 'GET';
    hop.body = null;
    dropBodyHeaders(hop.headers);
  }
  hop.url = next;
}

function failureOf(error: unknown, request: EgressRequest, origin: string, timeout: AbortSignal): AppError {
  if (isAppError(error)) return error;
  const options = { cause: error };
  if (request.signal?.aborted) return new AppError('cancelled', 'The request was cancelled', options);
  if (timeout.aborted) {
    const seconds = request.timeoutMs / 1000;
    return new AppError('unavailable', `${origin} did not answer within ${seconds} s`, options);
  }
  return new AppError('unavailable', `${origin} could not be reached: ${networkReason(error)}`, options);
}

function checkMethod(text: string): string {
  const method = text.toUpperCase();
  // CONNECT would open a tunnel that bypasses all further checks.
  if (METHOD.test(method) && method !== 'CONNECT' && method !== 'TRACE') return method;
  throw new AppError('invalid_request', `This is no HTTP method that can be sent: ${show(text)}`);
}

/** Returns the target URL of a redirect, or null if the response is final. */
function locationOf(status: number, { location }: EgressResponse['headers'], from: URL): string | null {
  if (![301, 302, 303, 307, 308].includes(status)) return null;
  return typeof location === 'string' ? (parseUrl(location, from)?.href ?? null) : null;
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

async function readBody(
  response: IncomingMessage,
  maxBytes: number,
  onBytes: (bytes: number) => void,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response as AsyncIterable<Uint8Array>) {
    size += part.length;
    // Throwing out of the loop destroys the body and its connection.
    if (size > maxBytes) {
      throw new AppError('payload_too_large', `The response is larger than ${maxBytes} bytes`);
    }
    onBytes(part.length);
    parts.push(part);
  }
  return Buffer.concat(parts);
}
