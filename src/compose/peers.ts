import type { PeerMetrics } from '../core/observability/shared-metrics.js';
import type { Peers } from '../http/services.js';
import type { Node } from '../ports/node.js';
import { answerInTime } from './answer-in-time.js';
import type { Ports } from './ports.js';

/**
 * Returns a function that lists the engine's processes, this one first, and with `all` also the
 * servers that store its data.
 */
export function createPeers({ processId, store, blobs }: Ports, peerMetrics: PeerMetrics) {
  return async (all: boolean): Promise<Peers> => {
    const nodes: Node[] = [processId, ...peerMetrics.processes()].map((id) => ({ id, addresses: [] }));
    if (!all) return { nodes, silent: [] };
    const asked = Object.entries({ store, blobs });
    const answers = await Promise.allSettled(asked.map(([, server]) => answerInTime(server.nodes())));
    const silent = asked.filter((_, at) => answers[at]?.status === 'rejected').map(([name]) => name);
    for (const answer of answers) if (answer.status === 'fulfilled') nodes.push(...answer.value);
    return { nodes, silent };
  };
}
