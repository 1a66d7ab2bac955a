import type { SharedMetrics } from '../core/shared-metrics.js';
import type { Node } from '../ports/node.js';
import type { Parts } from './parts.js';

/** The engine's processes, this one first; with `all` also the servers that hold its data. */
export function createPeers({ processId, store, blobs }: Parts, figures: SharedMetrics) {
  return async (all: boolean): Promise<Node[]> => {
    const processes = [processId, ...figures.processes()].map((id) => ({ id, addresses: [] }));
    if (!all) return processes;
    // What is away is no peer; /health tells of it.
    const servers = await Promise.all([store.nodes(), blobs.nodes()].map((nodes) => nodes.catch(() => [])));
    return [...processes, ...servers.flat()];
  };
}
