import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '../errors.js';
import type { Closable } from '../ports/closable.js';
import { createAdmission } from './admission/admission.js';
import { createClientAddresses } from './admission/client-address.js';
import { createApp } from './app.js';
import { createFunctionsHandler } from './http-functions/handler.js';
import { type Addressing, parseHostPattern } from './http-functions/target.js';
import { logServerError } from './listen/listen.js';
import { type Listener, type ListenerOptions, listenHttp } from './listen/listener.js';
import { createBufferLimits } from './request/buffer-limits.js';
import { requestedHost } from './request/request-target.js';
import { createLargeReplies } from './response/large-replies.js';
import { createSendToFunctions, type FunctionsAddress } from './send-to-functions.js';
import type { Services } from './services.js';
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

/** The listeners of a server. HTTP functions may be requested before all of them listen. */
interface Listeners {
  /** Null until it listens. */
  main: Listener | null;
  /** Undefined until it listens; null if HTTP functions are served on the main port. */
  functions: Listener | null | undefined;
}

/**
 * Listens for the API and for HTTP functions. `close` stops accepting connections, ends sockets and
 * streams, and waits for requests in flight. A call that takes longer than SHUTDOWN_SECONDS is
 * answered like an async one, with the location of its result.
 */
export async function startServer(services: Services, address: ServerAddress): Promise<Server> {
  const { host, port } = address;
  const stopping = new AbortController();
  const listeners: Listeners = { main: null, functions: undefined };
  const { handle, handleFunctions, isForFunctions, ...limits } = createHandlers(
    services,
    stopping.signal,
    listeners,
  );
  const sockets = new Sockets(services, limits);
  const connections = connectionOptions(services, stopping.signal);
  try {
    const main = await listenHttp(
      {
        ...connections,
        handle,
        isForFunctions,
        upgrade: (request, socket, head) => void sockets.upgrade(request, socket, head),
      },
      { host, port, setting: 'PORT' },
    );
    listeners.main = main;
    const functions =
      handleFunctions &&
      (await listenForFunctions({ ...connections, handle: handleFunctions }, address, main.port));
    listeners.functions = functions;
    return runningServer(services, { main, functions, sockets, stopping });
  } catch (error) {
    await Promise.all([listeners.main?.close(0), sockets.close()]);
    throw error;
  }
}

/**
 * Creates the request handlers of the main port and, unless HTTP functions are recognised by their
 * host on the main port, of the port of HTTP functions.
 */
function createHandlers(services: Services, stopping: AbortSignal, listeners: Listeners) {
  const { config, functionRoutes: routes } = services;
  const clients = createClientAddresses(config.TRUSTED_PROXIES);
  const admit = createAdmission(services, clients);
  const buffers = createBufferLimits(clients, config.REQUEST_IDLE_SECONDS * 1000);
  const largeReplies = createLargeReplies();
  const pattern = config.FUNCTIONS_HOST === undefined ? null : parseHostPattern(config.FUNCTIONS_HOST);
  const sendToFunctions = createSendToFunctions(clients, (): FunctionsAddress => {
    const { main, functions } = listeners;
    if (main === null || functions === undefined)
      throw new AppError('unavailable', 'The engine is starting; try again.');
    if (functions !== null) return { url: functions.url };
    return { url: main.url, hostOf: (namespace) => pattern?.hostOf(namespace) ?? '' };
  });
  const api = createApp({
    services,
    admit,
    buffers,
    sendToFunctions,
    stopping,
    largeReplies,
  }).callback();
  const functionsOn = (addressing: Addressing) =>
    createFunctionsHandler({ services, routes, admit, clients, buffers, addressing });
  const isForFunctions = (request: IncomingMessage) => Boolean(pattern?.namespaceOf(requestedHost(request)));
  const common = { admit, buffers, largeReplies, isForFunctions };
  if (pattern === null) return { ...common, handle: api, handleFunctions: functionsOn({ kind: 'path' }) };

  const byHost = functionsOn({ kind: 'host', pattern });
  const handle = (request: IncomingMessage, response: ServerResponse) =>
    isForFunctions(request) ? byHost(request, response) : api(request, response);
  return { ...common, handle, handleFunctions: null };
}

function connectionOptions({ config, logger }: Pick<Services, 'config' | 'logger'>, stopping: AbortSignal) {
  return {
    stopping,
    maxConnections: config.MAX_CONNECTIONS,
    headersMs: config.REQUEST_HEADERS_SECONDS * 1000,
    onDropped: (dropped: number) =>
      logger.warn(
        { dropped, limit: config.MAX_CONNECTIONS },
        'connections above MAX_CONNECTIONS were closed',
      ),
    onError: logServerError(logger),
  };
}

interface Running {
  main: Listener;
  /** Null if HTTP functions are served on the main port. */
  functions: Listener | null;
  sockets: Sockets;
  stopping: AbortController;
}

function runningServer(
  { config, invoker }: Pick<Services, 'config' | 'invoker'>,
  { main, functions, sockets, stopping }: Running,
): Server {
  const close = async () => {
    stopping.abort();
    const shutdownMs = config.SHUTDOWN_SECONDS * 1000;
    const release = setTimeout(() => invoker.release(), Math.max(0, shutdownMs - ANSWER_MS));
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

const MAX_PORT = 65_535;

/** Listens on the port of HTTP functions, by default the one after `mainPort`. */
async function listenForFunctions(
  options: ListenerOptions,
  { host, port, functionsPort }: ServerAddress,
  mainPort: number,
): Promise<Listener> {
  if (port === MAX_PORT && functionsPort === undefined) {
    throw new AppError(
      'bad_config',
      `FUNCTIONS_PORT is by default the port after PORT, and there is none after ${MAX_PORT}; set it to a whole number from 0 to ${MAX_PORT - 1}.`,
    );
  }
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
