import { z } from 'zod';

export const networkStatusReplySchema = z.object({
  node_id: z.string().describe('Id of this web process; new at every start.'),
  connected: z.boolean().describe('Whether all dependencies of the engine are up.'),
  peer_count: z.number().int().describe('Number of entries of `/v1/network/peers`.'),
  database_size: z.number().int().describe("Size of the namespace's database in bytes."),
  uptime: z.number().int().describe('Uptime of this process in seconds.'),
});

export const peersReplySchema = z.object({
  peers: z.array(z.object({ id: z.string(), addresses: z.array(z.string()) })),
  count: z.number().int(),
});
