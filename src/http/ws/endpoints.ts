import type { WebSocket } from 'ws';
import type { Scope } from '../../contract/scopes.js';
import { AppError } from '../../errors.js';
import type { Caller } from '../admission.js';
import type { Access } from '../route.js';
import type { Services } from '../services.js';
import { prepareInvokeSocket } from './invoke-socket.js';
import type { PresenceRooms } from './presence-rooms.js';
import type { TopicRooms } from './topic-rooms.js';
import { prepareTopicSocket } from './topic-socket.js';
import type { UnsentFrames } from './unsent-frames.js';

/** The context of a socket's handshake. */
export interface Handshake {
  services: Services;
  topics: TopicRooms;
  rooms: PresenceRooms;
  /** Accounts frames that clients have not read yet. */
  unsent: UnsentFrames;
  caller: Caller;
  params: Record<string, string>;
  query: Record<string, string>;
}

/** A socket that is ready to be served. */
export interface PreparedSocket {
  serve(ws: WebSocket): void;
  /** Called if the client has disconnected before it could be served. */
  abandon?(): void;
}

/** Validates the handshake. An error is sent as the response to the upgrade. */
export type Prepare = (handshake: Handshake) => Promise<PreparedSocket>;

interface Endpoint {
  path: RegExp;
  access: Access;
  /** Scope required to open the socket; `prepare` checks what its messages require. */
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
