import { on, once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { type Figure, figureOf } from './figures.js';
import { load } from './load.js';
import { left, type Product } from './product.js';

/** The maximum number of messages of one batch publish. */
export const BULK = 50;

/** Publishes one event per request, with up to 64 concurrent requests. */
export function publish(product: Product, topic: string, amount: number): Promise<Figure> {
  return load({
    url: `${product.url}/v1/pubsub/publish`,
    headers: { 'x-api-key': product.adminKey },
    body: JSON.stringify({ topic, data: { name: 'World' } }),
    connections: Math.min(64, amount),
    amount,
  });
}

/** Publishes events in batches of `BULK`, with four concurrent requests. */
export async function publishBatches(product: Product, topic: string, amount: number): Promise<Figure> {
  const messages = Array.from({ length: BULK }, () => ({ topic, data: { name: 'World' } }));
  const figure = await load({
    url: `${product.url}/v1/pubsub/publish/batch`,
    headers: { 'x-api-key': product.adminKey },
    body: JSON.stringify({ messages }),
    connections: 4,
    amount: amount / BULK,
  });
  return { ...figure, perSecond: figure.perSecond * BULK };
}

/**
 * Sends all events at once over one WebSocket. The latency of an event ends when its sender
 * receives it, which is after it is durable.
 */
export async function publishOverSocket(product: Product, topic: string, amount: number): Promise<Figure> {
  const url = `${product.url.replace(/^http/, 'ws')}/v1/pubsub/ws?topic=${topic}`;
  const ws = new WebSocket(url, { headers: { 'x-api-key': product.adminKey } });
  await once(ws, 'open');
  const latencies: number[] = [];
  let errors = 0;
  const began = performance.now();
  try {
    for (let sent = 0; sent < amount; sent++) ws.send(JSON.stringify({ name: 'World' }));
    for await (const [data] of on(ws, 'message', { close: ['close'] })) {
      if (JSON.parse(String(data)).error === undefined) latencies.push(performance.now() - began);
      else errors++;
      if (latencies.length + errors === amount) break;
    }
    return figureOf(latencies, performance.now() - began, errors);
  } finally {
    ws.close();
  }
}

/** Measures the time from resuming the worker until the queue has at most `downTo` jobs. */
export async function timeDrain(product: Product, downTo = 0): Promise<Figure> {
  const count = await left(product);
  const began = performance.now();
  product.processes[1]?.thaw();
  let now = count;
  let elapsed = 0;
  while (now > downTo) {
    // A status request costs as much as a few jobs, so requests are rare until the end is near. The
    // remaining time cannot be estimated from the first jobs.
    const restMs = now === count ? 0 : ((now - downTo) * elapsed) / (count - now);
    await delay(Math.max(15, Math.min(restMs / 2, 200)));
    now = await left(product);
    elapsed = performance.now() - began;
  }
  return { ...figureOf([], elapsed), perSecond: ((count - now) * 1000) / elapsed };
}
