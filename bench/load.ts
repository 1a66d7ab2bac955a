import autocannon from 'autocannon';
import { type Figure, figureOf } from './figures.js';
import type { Product } from './product.js';

export interface Load {
  url: string;
  body: string;
  headers?: Record<string, string>;
  connections: number;
  /** The duration in milliseconds, or the number of requests. */
  ms?: number;
  amount?: number;
}

/**
 * Sends POST requests with autocannon. Latencies are measured per response, because autocannon's
 * histogram has a resolution of a millisecond.
 */
export function load({ url, body, headers = {}, connections, ms = 1000, amount }: Load): Promise<Figure> {
  return new Promise((resolve, reject) => {
    const latencies: number[] = [];
    let errors = 0;
    const began = performance.now();
    // The last response ends the run: autocannon detects the end up to one sample interval later,
    // which is a fifth of a short run.
    let ended = began;
    const run = autocannon(
      {
        url,
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json', ...headers },
        connections,
        ...(amount === undefined ? { duration: ms / 1000 } : { amount }),
        // The default sample interval is too long for short runs.
        sampleInt: 100,
      },
      (error) => {
        if (error) reject(error);
        else resolve(figureOf(latencies, ended - began, errors));
      },
    );
    run.on('response', (_client, statusCode, _bytes, responseTime) => {
      ended = performance.now();
      if (statusCode >= 200 && statusCode < 300) latencies.push(responseTime);
      else errors++;
    });
    run.on('reqError', () => {
      errors++;
    });
  });
}

export interface InvokeLoad {
  input?: string;
  connections: number;
  ms?: number;
  amount?: number;
}

export const GREETING = '{"name":"World"}';

export function invokeLoad(
  product: Product,
  name: string,
  { input = GREETING, ...rest }: InvokeLoad,
): Promise<Figure> {
  return load({
    url: `${product.url}/v1/functions/${name}/invoke`,
    headers: { 'x-api-key': product.adminKey },
    body: input,
    ...rest,
  });
}
