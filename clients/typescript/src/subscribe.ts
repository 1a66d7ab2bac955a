import { decodeBase64, encodeBase64 } from './base64.js';
import { isOfCertificate, OramaError } from './errors.js';
import { type Http, notFromThisApi, type Query } from './http.js';
import { toJson } from './json-text.js';
import { sleep } from './sleep.js';
import type { WebSocketFactory, WebSocketLike } from './web-socket.js';

export interface SubscribeOptions {
  /** Joins the topic as a member that others see, and receives their join and leave events. */
  presence?: boolean;
  memberId?: string;
  memberMeta?: unknown;
  /** Ends the subscription. */
  signal?: AbortSignal;
}

export type SubscriptionEvent =
  | {
      type: 'message';
      topic: string;
      bytes: Uint8Array;
      timestamp: number;
      text(): string;
      json<T = unknown>(): T;
    }
  | { type: 'join' | 'leave'; memberId: string; meta: unknown; timestamp: number }
  /** Connected or reconnected. Messages published while disconnected are lost. */
  | { type: 'open' };

/** Yields events as they arrive. Reconnects until it is closed. */
export interface Subscription extends AsyncIterable<SubscriptionEvent> {
  close(): void;
}

export interface SubscribeSettings {
  url: string;
  /** API key or token; undefined for anonymous sockets. */
  credential: string | undefined;
  namespace: string | undefined;
  open: WebSocketFactory;
}

const PATH = '/v1/pubsub/ws';
/** The engine's answer to a request without the upgrade that would be accepted with it. */
const UPGRADE_REQUIRED = 426;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
/**
 * A socket is lost when it does not open, or when nothing arrives on it, for this time: the engine
 * sends a heartbeat every 15 s. No error is reported for one whose host has vanished.
 */
const SILENCE_MS = 45_000;
/** Close code: the connection was lost without a closing handshake (RFC 6455 §7.4.1). */
const LOST = 1006;
/** Close code: the credential has expired or was revoked (RFC 6455 §7.4.1). */
const POLICY = 1008;

export function createSubscribe(http: Http, settings: SubscribeSettings) {
  return (topic: string, options: SubscribeOptions = {}): Subscription => {
    const query = queryOf(topic, options);
    const address = addressOf(query, settings);
    const protocols = protocolsOf(settings.credential);
    const stop = new AbortController();
    const close = () => stop.abort();
    if (options.signal?.aborted) close();
    options.signal?.addEventListener('abort', close, { once: true });
    return {
      close,
      async *[Symbol.asyncIterator]() {
        let failures = 0;
        try {
          while (!stop.signal.aborted) {
            for await (const event of connection(settings.open(address, protocols), stop.signal)) {
              if (event.type === 'open') failures = 0;
              yield event;
            }
            if (stop.signal.aborted) return;
            // A browser's WebSocket does not report why a handshake was refused, so check with a
            // request.
            if (failures > 0) await assertAllowed(http, query);
            const pause = Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS);
            failures += 1;
            await sleep(pause * (0.5 + Math.random() / 2), stop.signal).catch(() => undefined);
          }
        } finally {
          close();
          options.signal?.removeEventListener('abort', close);
        }
      },
    };
  };
}

/**
 * Sends the request of a socket without the upgrade, and throws errors that further attempts would
 * also get: of the topic, the credential, its scopes, the server's certificate, or of a server that
 * is not an engine. That the engine is unreachable otherwise is not one of them.
 */
async function assertAllowed(http: Http, query: Query): Promise<void> {
  let status: number;
  try {
    ({ status } = await http.send({ method: 'GET', path: PATH, query, repeatable: false }));
  } catch (error) {
    if (error instanceof OramaError && (isFinal(error) || isOfCertificate(error))) throw error;
    return;
  }
  throw notFromThisApi(status);
}

/** Returns whether another attempt would get the same answer. A redirect may have no status. */
function isFinal({ code, status }: OramaError): boolean {
  return code !== 'unreachable' && status < 500 && status !== UPGRADE_REQUIRED && status !== 429;
}

/** Yields the events of one socket until it closes. */
async function* connection(socket: WebSocketLike, signal: AbortSignal): AsyncGenerator<SubscriptionEvent> {
  const waiting: SubscriptionEvent[] = [];
  let end: { code: number } | undefined;
  let wake = () => {};
  const notify = () => wake();
  const close = () => {
    socket.close();
    // The close event of a lost socket may come much later.
    notify();
  };
  let silence: ReturnType<typeof setTimeout> | undefined;
  const expectMore = () => {
    clearTimeout(silence);
    silence = setTimeout(() => {
      end ??= { code: LOST };
      notify();
    }, SILENCE_MS);
  };
  socket.onopen = () => {
    expectMore();
    waiting.push({ type: 'open' });
    notify();
  };
  socket.onmessage = ({ data }: { data: unknown }) => {
    expectMore();
    const event = readFrame(String(data));
    if (event !== undefined) waiting.push(event);
    notify();
  };
  socket.onclose = ({ code }: { code: number }) => {
    end = { code };
    notify();
  };
  let failure: unknown;
  // A `close` event follows. Browsers and Node give no reason, but the package `ws` does.
  socket.onerror = ({ error }: { error?: unknown }) => {
    failure = error;
  };
  signal.addEventListener('abort', close, { once: true });
  if (signal.aborted) close();
  expectMore();
  try {
    while (true) {
      for (let event = waiting.shift(); event !== undefined; event = waiting.shift()) {
        if (signal.aborted) return;
        yield event;
      }
      if (end?.code === POLICY) {
        throw new OramaError('The credential has expired or was revoked', {
          code: 'unauthorized',
          status: 401,
        });
      }
      if (failure instanceof Error && isOfCertificate(failure)) {
        throw new OramaError(`The engine did not answer (${failure.message})`, {
          code: 'unreachable',
          status: 0,
          cause: failure,
        });
      }
      if (end !== undefined || signal.aborted) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (waiting.length > 0 || end !== undefined || signal.aborted) resolve();
      });
    }
  } finally {
    clearTimeout(silence);
    signal.removeEventListener('abort', close);
    close();
  }
}

interface Frame {
  type?: string;
  data?: string;
  topic?: string;
  member_id?: string;
  meta?: unknown;
  timestamp?: number;
}

function readFrame(text: string): SubscriptionEvent | undefined {
  const frame: Frame = JSON.parse(text);
  const { timestamp = 0 } = frame;
  if (frame.type === 'presence.join' || frame.type === 'presence.leave') {
    const type = frame.type === 'presence.join' ? 'join' : 'leave';
    return { type, memberId: frame.member_id ?? '', meta: frame.meta, timestamp };
  }
  if (frame.data === undefined || frame.topic === undefined) return undefined;
  const bytes = decodeBase64(frame.data);
  const toText = () => new TextDecoder().decode(bytes);
  return {
    type: 'message',
    topic: frame.topic,
    bytes,
    timestamp,
    text: toText,
    json: <T>() => JSON.parse(toText()) as T,
  };
}

function queryOf(topic: string, options: SubscribeOptions): Query {
  return {
    topic,
    presence: options.presence === true ? 'true' : undefined,
    member_id: options.memberId,
    heartbeat: 'true',
    member_meta: options.memberMeta === undefined ? undefined : toJson(options.memberMeta),
  };
}

function addressOf(query: Query, settings: SubscribeSettings): string {
  const address = new URL(settings.url + PATH);
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
  for (const [name, value] of Object.entries({ ...query, namespace: settings.namespace })) {
    if (value !== undefined) address.searchParams.set(name, String(value));
  }
  return address.href;
}

/**
 * Returns the offered subprotocols: the credential and, beside it, one that the engine selects, as
 * it never sends the credential back.
 */
function protocolsOf(credential: string | undefined): string[] {
  if (credential === undefined) return [];
  const text = encodeBase64(new TextEncoder().encode(credential));
  return ['orama', `orama.bearer.${text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}`];
}
