import type { WebSocket } from 'ws';
import type { Caller } from '../admission/admission.js';
import type { Services } from '../services.js';
import type { PresenceRooms } from './presence-rooms.js';
import type { TopicRooms } from './topic-rooms.js';
import type { UnsentFrames } from './unsent-frames.js';

/** What sockets of both kinds use, for their handshake and while they are open. */
export type SocketServices = Pick<
  Services,
  'catalog' | 'config' | 'functionsUrl' | 'invoker' | 'logger' | 'logs' | 'presence' | 'publisher'
>;

/** The context of a socket's handshake. */
export interface Handshake {
  services: SocketServices;
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
