import {
  type ClientRequestArgs,
  Agent as HttpAgent,
  type IncomingMessage,
  request as requestHttp,
} from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { type AllowList, type HostAndPort, targetOf } from '../contract/host-rules.js';
import type { Namespace } from '../contract/ids.js';
import { AppError } from '../errors.js';
import type { Lookup, NameLookups } from './name-lookups.js';
import { allowedAddresses, checkAddresses } from './rules.js';

/** Idle timeout of kept-alive connections. Servers close theirs after 5 s, often without notice. */
const IDLE_MS = 4000;
/**
 * Informational responses (1xx) to one request. Each costs as much as a response, and a server
 * could send a million a second for as long as the request may take.
 */
const MAX_INFORMATIONAL = 100;
/** The status of a response after which the connection speaks another protocol. */
const SWITCHED = 101;

export interface SentRequest {
  method: string;
  headers: ReadonlyMap<string, string>;
  body: Uint8Array | null;
  signal: AbortSignal;
  /** The namespace that the name lookup counts against. */
  namespace: Namespace;
}

/**
 * Sends one request without following redirects. Resolves with the final response; informational
 * responses (1xx) are skipped.
 */
export interface Sender {
  send(url: URL, request: SentRequest): Promise<IncomingMessage>;
  close(): void;
}

/**
 * Creates a sender that connects only to addresses that passed the check: the check runs inside the
 * connection's DNS lookup, so no second lookup could return other addresses (DNS rebinding). A
 * kept-alive connection was checked when it was opened.
 */
export function openSender(guard: { allow: AllowList; names: NameLookups }): Sender {
  const options = { keepAlive: true, timeout: IDLE_MS };
  const agents = { http: perNamespace(new HttpAgent(options)), https: perNamespace(new HttpsAgent(options)) };

  return {
    async send(url, { method, headers, body, signal, namespace }) {
      const target = targetOf(url);
      // Node connects to an IP address in the URL without calling `lookup`.
      if (isIP(target.host) !== 0) checkAddresses(target, [target.host], guard.allow);
      const lookup = checkedLookup(target, guard, { namespace, signal });
      const length = body === null ? [] : [['content-length', String(body.byteLength)] as const];
      const options = {
        method,
        headers: Object.fromEntries([...headers, ...length]),
        lookup,
        signal,
        namespace,
      };
      return new Promise((settle, reject) => {
        const request = sendable(() =>
          url.protocol === 'https:'
            ? requestHttps(url, { ...options, agent: agents.https })
            : requestHttp(url, { ...options, agent: agents.http }),
        );
        request.on('response', (response) => {
          if (response.statusCode !== SWITCHED) return settle(response);
          response.on('error', () => {}).destroy();
          reject(switched(url));
        });
        let informational = 0;
        request.on('information', () => {
          informational += 1;
          if (informational > MAX_INFORMATIONAL) request.destroy(tooManyInformational(url));
        });
        // Without a listener, Node closes the connection and reports nothing.
        request.on('upgrade', (_response, socket) => {
          socket.on('error', () => {}).destroy();
          reject(switched(url));
        });
        request.on('error', reject);
        request.end(body ?? undefined);
      });
    },
    close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

/**
 * Makes an agent use a kept connection (and a session of TLS) for requests of one namespace only.
 * A server that reads the body of a request as another request responds twice; the second response
 * would be the answer to whoever uses the connection next.
 */
function perNamespace<A extends HttpAgent>(agent: A): A {
  const getName = agent.getName.bind(agent);
  agent.getName = (options?: ClientRequestArgs & { namespace?: Namespace }) =>
    `${getName(options)}:${options?.namespace}`;
  return agent;
}

/** No request asks for another protocol, so nothing that follows could be read. */
function switched({ origin }: URL): AppError {
  return new AppError(
    'unavailable',
    `${origin} answered with 101 Switching Protocols to a request without an Upgrade header`,
  );
}

function tooManyInformational({ origin }: URL): AppError {
  return new AppError(
    'unavailable',
    `${origin} sent more than ${MAX_INFORMATIONAL} informational responses (1xx) to one request`,
  );
}

/** Node throws on header names and values that are invalid in HTTP. */
function sendable<T>(make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw new AppError(
      'invalid_request',
      'The request cannot be sent: a header has a name or value that HTTP does not allow.',
      { cause },
    );
  }
}

function checkedLookup(
  target: HostAndPort,
  guard: { allow: AllowList; names: NameLookups },
  lookup: Lookup,
): LookupFunction {
  return (_host, options, callback) => {
    allowedAddresses(target, guard, lookup).then(
      (addresses) => {
        const found = addresses.map((address) => ({ address, family: isIP(address) }));
        const [first] = found;
        if (options.all || first === undefined) callback(null, found);
        else callback(null, first.address, first.family);
      },
      (error: Error) => callback(error, []),
    );
  };
}
