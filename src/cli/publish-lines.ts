import { MAX_BATCH_BYTES, MAX_BATCH_MESSAGES } from '../contract/limits.js';
import { AppError, isAppError } from '../errors.js';
import { stringifyWith } from '../json/json-text.js';
import type { Client } from './client.js';
import type { Line } from './ndjson.js';

/** Estimated size of the topic and the keys beside each value. */
const ENVELOPE_BYTES = 512;

/**
 * Publishes the lines in order, in batches of the API's maximum size. Resolves with the number of
 * published messages.
 */
export async function publishLines(client: Client, topic: string, lines: readonly Line[]): Promise<number> {
  let published = 0;
  for (const batch of batches(lines)) {
    const messages = batch.map(({ value }) => stringifyWith({ topic, data: value }));
    try {
      await client.call('POST', '/v1/pubsub/publish/batch', {
        jsonText: `{"messages":[${messages.join(',')}]}`,
      });
    } catch (error) {
      throw withLine(error, batch, published);
    }
    published += batch.length;
  }
  return published;
}

function* batches(lines: readonly Line[]): Generator<Line[]> {
  let batch: Line[] = [];
  let bytes = 0;
  for (const line of lines) {
    const size = line.bytes + ENVELOPE_BYTES;
    if (batch.length === MAX_BATCH_MESSAGES || (batch.length > 0 && bytes + size > MAX_BATCH_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(line);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

/**
 * Translates the server's index within the batch to a line number, and adds how many messages were
 * published, so that the user can resume from there.
 */
function withLine(error: unknown, batch: readonly Line[], published: number): unknown {
  if (!isAppError(error)) return error;
  const { code, retryAfter } = error;
  const sentence = error.message.replace(/^messages\[(\d+)\](\.topic)?/, (name, index, topic) =>
    topic === undefined ? `line ${batch[Number(index)]?.number ?? name}` : 'the topic',
  );
  const done = `the ${published} messages before line ${batch[0]?.number} are published`;
  return new AppError(code, published === 0 ? sentence : `${sentence.replace(/\.$/, '')}; ${done}.`, {
    cause: error,
    ...(retryAfter === undefined ? {} : { retryAfter }),
  });
}
