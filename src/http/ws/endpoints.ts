import type { WebSocket } from 'ws';
import type { Scope } from '../../contract/scopes.js';
import { AppError } from '../../errors.js';
import type { Caller } from '../admission.js';
import type { Access } from '../route.js';
import type { Services } from '../services.js';
import { prepareInvokeSocket } from './invoke-socket.js';
import type { PresenceRooms } from './presence-rooms.js';
import { prepareTopicSocket } from './topic-socket.js';
import type { UnsentFrames } from './unsent-frames.js';

/** What a socket is opened with. */
export interface Handshake {
  services: Services;
  rooms: PresenceRooms;
  /** What sockets may have in memory of what their clients have not taken. */
  unsent: UnsentFrames;
  caller: Caller;
  params: Record<string, string>;
  query: Record<string, string>;
}

/** What is ready to serve a socket. */
export interface Prepared {
  serve(ws: WebSocket): void;
  /** The client has gone before it could be served. */
  abandon?(): void;
}

/** Checks the handshake, throwing what the upgrade is refused with. */
export type Prepare = (handshake: Handshake) => Promise<Prepared>;

interface Endpoint {
  path: RegExp;
  access: Access;
  /**
   * What a key must be allowed to do to open the socket; what its messages need further, `prepare`
   * sees to.
   */
  scope: Scope;
  prepare: Prepare;
}

const ENDPOINTS: readonly Endpoint[] = [
  {
    path: /^\/v1\/functions\/(?<name>[^/]+)\/ws$/,
    access: 'optional',
    scope: 'invoke',
    prepare: prepareInvokeSocket,
  },
  { path: /^\/v1\/pubsub\/ws$/, access: 'required', scope: 'read', prepare: prepareTopicSocket },
];

export function findEndpoint(path: string): { endpoint: Endpoint; params: Record<string, string> } {
  for (const endpoint of ENDPOINTS) {
    const groups = endpoint.path.exec(path)?.groups;
    if (groups || endpoint.path.test(path)) return { endpoint, params: decoded(groups ?? {}) };
  }
  throw new AppError(
    'not_found',
    `There is no WebSocket at ${path.slice(0, 200)}; see /docs for what there is.`,
  );
}

function decoded(groups: Record<string, string>): Record<string, string> {
  try {
    return Object.fromEntries(Object.entries(groups).map(([key, text]) => [key, decodeURIComponent(text)]));
  } catch (cause) {
    throw new AppError('invalid_request', 'The path is not properly encoded.', { cause });
  }
}
