import type { SharedMetrics } from '../core/shared-metrics.js';
import type { Node } from '../ports/node.js';
import type { Ports } from './ports.js';

/**
 * Returns a function that lists the engine's processes, this one first, and with `all` also the
 * servers that store its data.
 */
export function createPeers({ processId, store, blobs }: Ports, figures: SharedMetrics) {
  return async (all: boolean): Promise<Node[]> => {
    const processes = [processId, ...figures.processes()].map((id) => ({ id, addresses: [] }));
    if (!all) return processes;
    // An unreachable server is omitted; /health reports it.
    const servers = await Promise.all([store.nodes(), blobs.nodes()].map((nodes) => nodes.catch(() => [])));
    return [...processes, ...servers.flat()];
  };
}
