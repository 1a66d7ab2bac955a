import { z } from 'zod';
import { socketReplySchema } from '../../contract/http/invoke.js';
import { liveFrameSchema, presenceEventSchema } from '../../contract/http/pubsub.js';

/** OpenAPI has no WebSockets; the docs page tells of them in words. */
export const SOCKET_DOCS = [
  {
    path: '/v1/functions/{name}/ws',
    summary: 'Invoke a function, one message each',
    about:
      'Each message, text or binary, is the input of one invocation; up to 64 run at once, and replies come in order of ' +
      'completion: {request_id, status, duration_ms, output | error}. With ?logs=true the log lines of an invocation ' +
      'come before its reply, as {request_id, log, level}. The credential may be the subprotocol orama.bearer.<base64url>, offered beside orama, or in ?api_key= or ?token=. A message over 1 MB ' +
      'closes the socket with 1009, a credential that ends with 1008, an engine that stops with 1001.',
    frame: socketReplySchema,
  },
  {
    path: '/v1/pubsub/ws?topic=',
    summary: 'Subscribe to a topic, and publish to it',
    about:
      'Messages come as {data: <base64>, timestamp: <ms>, topic}; what is sent is published. With ?presence=true, ' +
      'member_id= and member_meta= (JSON) the subscriber is a member, and hears of the others: {type: "presence.join" | ' +
      '"presence.leave", member_id, meta, timestamp}. A client that is lost without a word leaves within 30 seconds; one that does ' +
      'not take its messages is closed with 1013.',
    frame: z.union([liveFrameSchema, presenceEventSchema]),
  },
] as const;
