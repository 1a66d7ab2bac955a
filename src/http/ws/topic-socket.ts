import type { RawData, WebSocket } from 'ws';
import type * as z from 'zod';
import { type heartbeatSchema, subscribeQuerySchema } from '../../contract/http/pubsub.js';
import { MB } from '../../contract/limits.js';
import { assertScope } from '../../core/auth/rights.js';
import { FIRST_DEPTH } from '../../core/events/message.js';
import { AppError } from '../../errors.js';
import { jsonTextOf } from '../../json/json-text.js';
import { uuidv7 } from '../../uuid.js';
import { parseJson } from '../request/parse-json.js';
import { textReader } from '../request/read-text.js';
import { HEARTBEAT_MS } from '../response/heartbeat.js';
import { toAppError } from '../response/to-app-error.js';
import { bytesOf } from './bytes-of.js';
import { frameSender } from './frame-sender.js';
import type { Handshake, Prepare } from './handshake.js';
import { isClosedByServer, onMessage } from './server-close.js';
import { subscribeTopic } from './topic-subscription.js';

/** A subscriber that reads too slowly is disconnected. */
const MAX_UNSENT_BYTES = 8 * MB;
/**
 * Number of messages of one socket that wait for publishing at which reading pauses. `ws` still
 * emits those that it has read, of at most 64 KB; they become one batch.
 */
const MAX_WAITING = 32;

const readQuery = textReader(subscribeQuerySchema);

/**
 * Serves a live subscriber of one topic: it receives the topic's messages and publishes those that
 * it sends.
 */
export const prepareTopicSocket: Prepare = async (handshake) => {
  const { services, caller, topics, rooms, unsent } = handshake;
  const query = readQuery(handshake.query);
  const connectionId = uuidv7();
  const memberId = query.member_id ?? (caller.principal?.wallet || connectionId);
  const meta = query.member_meta === undefined ? null : parseMeta(query.member_meta);
  // Subscribe before the handshake is answered, so that a client with an open socket misses
  // nothing.
  const subscription = await subscribeTopic(
    { ...services, topics, rooms },
    {
      namespace: caller.namespace,
      topic: query.topic,
      connectionId,
      member: query.presence
        ? {
            member_id: memberId,
            joined_at: new Date().toISOString(),
            meta,
            owner: caller.principal?.subject ?? connectionId,
          }
        : null,
    },
  );
  const close = () =>
    subscription
      .close()
      .catch((error) => services.logger.debug({ err: error }, 'a leave event could not be published'));
  return {
    abandon: () => void close(),
    serve(ws) {
      ws.on('close', close);
      const sender = frameSender(ws, {
        namespace: caller.namespace,
        unsent,
        maxUnsentBytes: MAX_UNSENT_BYTES,
      });
      subscription.deliverTo({
        send: (frame) => sender.send(frame),
        disconnect: () => sender.disconnect('messages arrive faster than they can be sent'),
      });
      if (query.heartbeat) sendHeartbeats(ws, sender.send);
      publishMessages(ws, handshake, query.topic, sender.send);
    },
  };
};

/** The first one, sent at once, tells the client that others will follow. */
function sendHeartbeats(ws: WebSocket, send: (frame: string) => void): void {
  const beat = () => {
    const frame: z.infer<typeof heartbeatSchema> = { type: 'heartbeat', timestamp: Date.now() };
    send(JSON.stringify(frame));
  };
  beat();
  const timer = setInterval(beat, HEARTBEAT_MS);
  ws.on('close', () => clearInterval(timer));
}

/**
 * Publishes messages in order. Messages that arrive while others are being published form the next
 * batch.
 */
function publishMessages(
  ws: WebSocket,
  { services, caller }: Handshake,
  topic: string,
  send: (frame: string) => void,
): void {
  let waiting: RawData[] = [];
  let publishing = false;

  const sendErrors = (outcomes: readonly PromiseSettledResult<unknown>[]) => {
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') continue;
      const place = { method: 'WS', path: '/v1/pubsub/ws' };
      const { message, code } = toAppError(outcome.reason, services.logger, place);
      send(JSON.stringify({ error: message, code }));
    }
  };
  const publish = async (batch: readonly RawData[]) => {
    const counted = await Promise.allSettled(
      batch.map(async () => {
        await caller.countUse();
        assertScope(caller.principal, 'publish');
      }),
    );
    sendErrors(counted);
    const messages = batch
      .filter((_, index) => counted[index]?.status === 'fulfilled')
      .map((data) => {
        const bytes = bytesOf(data);
        return { namespace: caller.namespace, topic, bytes, data: jsonTextOf(bytes), depth: FIRST_DEPTH };
      });
    sendErrors(await services.publisher.publishEach(messages));
  };
  const publishWaiting = async () => {
    publishing = true;
    while (waiting.length > 0 && !isClosedByServer(ws)) {
      const batch = waiting;
      waiting = [];
      if (ws.isPaused) ws.resume();
      await publish(batch);
    }
    publishing = false;
  };
  onMessage(ws, (data) => {
    waiting.push(data);
    if (waiting.length >= MAX_WAITING) ws.pause();
    if (!publishing) void publishWaiting();
  });
}

function parseMeta(text: string): unknown {
  try {
    return parseJson(Buffer.from(text));
  } catch (cause) {
    throw new AppError('invalid_request', 'member_meta must be JSON, such as {"name":"Ada"}.', { cause });
  }
}
