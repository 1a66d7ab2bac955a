import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '../errors.js';
import type { Closable } from '../ports/closable.js';
import { createAdmission } from './admission.js';
import { createApp } from './app.js';
import { createBodyLimits } from './body-limits.js';
import { createClientAddresses } from './client-address.js';
import { createFunctionsHandler } from './functions/handler.js';
import { type Addressing, parseHostPattern } from './functions/target.js';
import { createLargeReplies } from './large-replies.js';
import { type Listener, type ListenerOptions, listenHttp } from './listener.js';
import { createSendToFunctions, type FunctionsAddress } from './send-to-functions.js';
import type { Services } from './services.js';
import { isWebSocket, serveWithoutUpgrade } from './ws/reparse.js';
import { Sockets } from './ws/sockets.js';

/** Part of SHUTDOWN_SECONDS that is reserved for answering waiting calls. */
const ANSWER_MS = 1000;

export interface Server extends Closable {
  url: string;
  port: number;
  /** Base URL of HTTP functions; with FUNCTIONS_HOST, its pattern on this port. */
  functionsUrl: string;
}

export interface ServerAddress {
  host: string;
  port: number;
  /** Port of HTTP functions if FUNCTIONS_HOST is not set; default: the port after `port`. */
  functionsPort: number | undefined;
}

/**
 * Listens for the API and for HTTP functions. `close` stops accepting connections, ends sockets and
 * streams, and waits for requests in flight. A call that takes longer than SHUTDOWN_SECONDS is
 * answered like an async one, with the location of its result.
 */
export async function startServer(services: Services, address: ServerAddress): Promise<Server> {
  const { config } = services;
  const { host } = address;
  const admit = createAdmission(services);
  const stopping = new AbortController();
  const clients = createClientAddresses(config.TRUSTED_PROXIES);
  const bodies = createBodyLimits(clients, config.REQUEST_IDLE_SECONDS * 1000);
  const pattern = config.FUNCTIONS_HOST === undefined ? null : parseHostPattern(config.FUNCTIONS_HOST);
  const sendToFunctions = createSendToFunctions(clients, () => functionsAddress());
  const api = createApp({
    ...{ services, admit, bodies, sendToFunctions, stopping: stopping.signal },
    largeReplies: createLargeReplies(),
  }).callback();
  const functionsOn = (addressing: Addressing) =>
    createFunctionsHandler({
      services,
      routes: services.routes,
      admit,
      clients,
      bodies,
      addressing,
    });

  /** Undefined until it listens; null if HTTP functions are served on the main port. */
  let functions: Listener | null | undefined;
  const byHost = pattern && functionsOn({ kind: 'host', pattern });
  const handle = (request: IncomingMessage, response: ServerResponse) =>
    byHost && pattern?.namespaceOf(request.headers.host) ? byHost(request, response) : api(request, response);
  const connections = {
    maxConnections: config.MAX_CONNECTIONS,
    headersMs: config.REQUEST_HEADERS_SECONDS * 1000,
    onDropped: (dropped: number) =>
      services.logger.warn(
        { dropped, limit: config.MAX_CONNECTIONS },
        'connections above MAX_CONNECTIONS were closed',
      ),
    onError: (error: Error) => services.logger.error({ err: error }, 'the HTTP server failed; it continues'),
  };
  const sockets = new Sockets(services, admit);
  const main = await listenHttp(
    {
      stopping: stopping.signal,
      handle,
      ...connections,
      upgrade(server, request, socket, head) {
        if (isWebSocket(request)) void sockets.upgrade(request, socket, head);
        else serveWithoutUpgrade(server, request, socket, head);
      },
    },
    { host, port: address.port, setting: 'PORT' },
  ).catch(async (error) => {
    await sockets.close();
    throw error;
  });
  functions = byHost
    ? null
    : await listenForFunctions(
        { stopping: stopping.signal, handle: functionsOn({ kind: 'path' }), ...connections },
        address,
        main.port,
      ).catch(async (error) => {
        await Promise.all([main.close(0), sockets.close()]);
        throw error;
      });

  function functionsAddress(): FunctionsAddress {
    if (functions === undefined) throw new AppError('unavailable', 'The engine is starting; try again.');
    if (functions !== null) return { url: functions.url };
    return { url: main.url, hostOf: (namespace) => pattern?.hostOf(namespace) ?? '' };
  }

  const close = async () => {
    stopping.abort();
    const shutdownMs = config.SHUTDOWN_SECONDS * 1000;
    const release = setTimeout(() => services.invoker.release(), Math.max(0, shutdownMs - ANSWER_MS));
    const closeTimeoutMs = Math.max(shutdownMs, ANSWER_MS);
    await Promise.all([sockets.close(), main.close(closeTimeoutMs), functions?.close(closeTimeoutMs)]);
    clearTimeout(release);
  };

  let closed: Promise<void> | null = null;
  return {
    url: main.url,
    port: main.port,
    functionsUrl:
      functions?.url ?? `http://${config.FUNCTIONS_HOST}${main.port === 80 ? '' : `:${main.port}`}`,
    close() {
      closed ??= close();
      return closed;
    },
  };
}

/** Listens on the port of HTTP functions, by default the one after `mainPort`. */
async function listenForFunctions(
  options: ListenerOptions,
  { host, port, functionsPort }: ServerAddress,
  mainPort: number,
): Promise<Listener> {
  try {
    return await listenHttp(options, {
      host,
      port: functionsPort ?? mainPort + 1,
      setting: 'FUNCTIONS_PORT',
    });
  } catch (error) {
    // With `port` 0, the following port may be in use.
    if (port !== 0 || functionsPort !== undefined) throw error;
    return listenHttp(options, { host, port: 0, setting: 'FUNCTIONS_PORT' });
  }
}
