import * as z from 'zod';
import { socketReplySchema } from '../../contract/http/invoke.js';
import { heartbeatSchema, liveFrameSchema, presenceEventSchema } from '../../contract/http/pubsub.js';

/** Descriptions of the WebSockets for the docs page, since OpenAPI does not support them. */
export const SOCKET_DOCS = [
  {
    path: '/v1/functions/{name}/ws',
    summary: 'Invoke a function with each message',
    description:
      'Each message, text or binary, is the input of one invocation; up to 64 run at once, and replies come in order of ' +
      'completion: {request_id, status, duration_ms, output | error}. With ?logs=true the log lines of an invocation ' +
      'come before its reply, as {request_id, log, level}. The credential may be the subprotocol orama.bearer.<base64url>, offered beside orama, or in ?api_key= or ?token=. A message over 1 MB ' +
      'closes the socket with 1009, a credential that ends with 1008, an engine that stops with 1001.',
    frame: socketReplySchema,
  },
  {
    path: '/v1/pubsub/ws?topic=',
    summary: 'Subscribe to a topic and publish to it',
    description:
      'Messages are received as {data: <base64>, timestamp: <ms>, topic}; sent messages are published. ' +
      'With ?presence=true, member_id= and member_meta= (JSON) the subscriber is a member and receives the ' +
      'events of others: {type: "presence.join" | "presence.leave", member_id, meta, timestamp}. With ' +
      '?heartbeat=true a frame {type: "heartbeat", timestamp} is sent at once and every 15 seconds. A client ' +
      'that disappears without closing the socket leaves within 30 seconds; one that has not read 8 MB is ' +
      'closed with 1013.',
    frame: z.union([liveFrameSchema, presenceEventSchema, heartbeatSchema]),
  },
] as const;
