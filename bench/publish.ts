import { on, once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { type Figure, figureOf } from './figures.js';
import { load } from './load.js';
import { left, type Product } from './product.js';

/** As many as one publish may carry. */
export const BULK = 50;

/** One event a request, up to 64 requests at once. */
export function publish(product: Product, topic: string, amount: number): Promise<Figure> {
  return load({
    url: `${product.url}/v1/pubsub/publish`,
    headers: { 'x-api-key': product.adminKey },
    body: JSON.stringify({ topic, data: { name: 'World' } }),
    connections: Math.min(64, amount),
    amount,
  });
}

/** Events in batches of `BULK`, four at once. */
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

/** All sent at once; each counts when its sender hears it, which is after it is durable. */
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

/** From when the worker may go on until the queue is empty. */
export async function timeDrain(product: Product, downTo = 0): Promise<Figure> {
  const count = await left(product);
  const began = performance.now();
  product.processes[1]?.thaw();
  let now = count;
  let elapsed = 0;
  while (now > downTo) {
    // Asking costs the product as much as a few jobs do: seldom, until the end is near. How near is
    // not known from the first few.
    const restMs = now === count ? 0 : ((now - downTo) * elapsed) / (count - now);
    await delay(Math.max(15, Math.min(restMs / 2, 200)));
    now = await left(product);
    elapsed = performance.now() - began;
  }
  return { ...figureOf([], elapsed), perSecond: ((count - now) * 1000) / elapsed };
}
