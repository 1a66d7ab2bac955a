import { z } from 'zod';

export const networkStatusReplySchema = z.object({
  node_id: z.string().describe('This web process; new at every start.'),
  connected: z.boolean().describe('Whether everything the engine depends on answers.'),
  peer_count: z.number().int().describe('As many as `/v1/network/peers` lists.'),
  database_size: z.number().int().describe("Bytes of the namespace's own database."),
  uptime: z.number().int().describe('Of this process, in seconds.'),
});

export const peersReplySchema = z.object({
  peers: z.array(z.object({ id: z.string(), addresses: z.array(z.string()) })),
  count: z.number().int(),
});
