import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { JsonValue } from '../helpers/api.js';
import { until } from '../helpers/until.js';

/** A WebSocket client with the frames received so far. */
export interface Client {
  ws: WebSocket;
  frames: JsonValue[];
  /** Resolves with the first frame that `accept` returns true for, already received or not. */
  next(what: string, accept: (frame: JsonValue) => boolean, timeoutMs?: number): Promise<JsonValue>;
  closed: Promise<{ code: number; reason: string }>;
}

export async function connect(
  url: string,
  path: string,
  headers: Record<string, string> = {},
  protocols: string[] = [],
): Promise<Client> {
  const ws = new WebSocket(url.replace(/^http/, 'ws') + path, protocols, { headers });
  const frames: JsonValue[] = [];
  ws.on('message', (data) => frames.push(JSON.parse(String(data))));
  const closed = once(ws, 'close').then(([code, reason]) => ({ code, reason: String(reason) }));
  await once(ws, 'open');
  return {
    ws,
    frames,
    next: (what, accept, timeoutMs) => until(what, async () => frames.find(accept), timeoutMs),
    closed,
  };
}

/** Resolves with the HTTP response that refuses an upgrade. */
export function refusedUpgrade(
  url: string,
  path: string,
  headers: Record<string, string> = {},
  protocols: string[] = [],
): Promise<{ status: number; json: JsonValue }> {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(url.replace(/^http/, 'ws') + path, protocols, { headers });
    ws.on('open', () => reject(new Error('the upgrade was not refused')));
    ws.on('error', () => undefined);
    ws.on('unexpected-response', async (_, response) => {
      let text = '';
      for await (const part of response) text += part;
      resolve({ status: response.statusCode ?? 0, json: JSON.parse(text) });
    });
  });
}
