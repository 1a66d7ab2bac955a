import { request } from 'undici';
import * as z from 'zod';
import type { Node } from '../../../src/ports/node.js';
import { RqliteError } from './errors.js';
import { authorization, pathPrefix } from './transport.js';

const TIMEOUT_MS = 2000;

const nodesSchema = z.record(
  z.string(),
  z.object({ api_addr: z.string().default(''), reachable: z.boolean() }),
);

/**
 * Resolves with the reachable nodes of the cluster, as reported by the first node of `urls` that
 * responds.
 */
export async function readNodes(urls: readonly string[]): Promise<Node[]> {
  let failure: unknown;
  for (const url of urls.map((text) => new URL(text))) {
    try {
      const response = await request(`${url.origin}${pathPrefix(url)}/nodes?timeout=1s`, {
        headers: authorization(url),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      return Object.entries(nodesSchema.parse(await response.body.json()))
        .filter(([, { reachable }]) => reachable)
        .map(([id, node]) => ({ id: `rqlite:${id}`, addresses: [node.api_addr] }));
    } catch (error) {
      failure = error;
    }
  }
  throw new RqliteError('RQLITE_UNAVAILABLE', 'no node returned the list of nodes', { cause: failure });
}
