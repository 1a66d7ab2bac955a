import { encodeBase64 } from './base64.js';
import { bytesOf } from './bytes.js';
import type { Http } from './http.js';
import { toJson } from './json-text.js';

export interface Message {
  topic: string;
  /** A JSON value or bytes. */
  data: unknown;
}

export interface Publishing {
  publish(topic: string, data: unknown, options?: { signal?: AbortSignal }): Promise<{ triggered: number }>;
  publishBatch(messages: readonly Message[], options?: { signal?: AbortSignal }): Promise<{ count: number }>;
}

const headers = { 'Content-Type': 'application/json' };

export function createPublish(http: Http): Publishing {
  return {
    async publish(topic, data, { signal } = {}) {
      const body = messageText({ topic, data });
      const call = { method: 'POST', path: '/v1/pubsub/publish', headers, body, repeatable: false, signal };
      const { triggered } = await http.json<{ triggered: number }>(call);
      return { triggered };
    },
    async publishBatch(messages, { signal } = {}) {
      const body = `{"messages":[${messages.map(messageText).join(',')}]}`;
      const path = '/v1/pubsub/publish/batch';
      const call = { method: 'POST', path, headers, body, repeatable: false, signal };
      const { count } = await http.json<{ count: number }>(call);
      return { count };
    },
  };
}

function messageText({ topic, data }: Message): string {
  const name = JSON.stringify(topic);
  const bytes = bytesOf(data);
  if (bytes !== undefined) return `{"topic":${name},"data_base64":"${encodeBase64(bytes)}"}`;
  return `{"topic":${name},"data":${toJson(data)}}`;
}
