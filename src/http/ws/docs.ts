import { z } from 'zod';
import { socketReplySchema } from '../../contract/http/invoke.js';
import { liveFrameSchema, presenceEventSchema } from '../../contract/http/pubsub.js';

/** Descriptions of the WebSockets for the docs page, since OpenAPI does not support them. */
export const SOCKET_DOCS = [
  {
    path: '/v1/functions/{name}/ws',
    summary: 'Invoke a function with each message',
    about:
      'Each message, text or binary, is the input of one invocation. Up to 64 run concurrently, and ' +
      'replies are sent in order of completion: {request_id, status, duration_ms, output | error}. With ' +
      '?logs=true the log lines of an invocation are sent before its reply, as {request_id, log, level}. ' +
      'The credential may be in ?api_key= or ?token=. The socket is closed with 1009 after a message over ' +
      '1 MB, with 1008 when the credential becomes invalid, and with 1001 when the engine stops.',
    frame: socketReplySchema,
  },
  {
    path: '/v1/pubsub/ws?topic=',
    summary: 'Subscribe to a topic and publish to it',
    about:
      'Messages are received as {data: <base64>, timestamp: <ms>, topic}; sent messages are published. ' +
      'With ?presence=true, member_id= and member_meta= (JSON) the subscriber is a member and receives the ' +
      'events of others: {type: "presence.join" | "presence.leave", member_id, meta, timestamp}. A client ' +
      'that disappears without closing the socket leaves within 30 seconds; one that reads too slowly is ' +
      'closed with 1013.',
    frame: z.union([liveFrameSchema, presenceEventSchema]),
  },
] as const;
