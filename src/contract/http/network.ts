import * as z from 'zod';

export const networkStatusReplySchema = z.object({
  node_id: z.string().describe('Id of this web process; new at every start.'),
  connected: z.boolean().describe('Whether all dependencies of the engine are up.'),
  peer_count: z.number().int().describe('Number of entries of `/v1/network/peers`.'),
  database_size: z
    .number()
    .int()
    .nullable()
    .describe("Size of the namespace's database in bytes; null when it does not answer within 2 s."),
  uptime: z.number().int().describe('Uptime of this process in seconds.'),
  down: z
    .record(z.string(), z.string())
    .optional()
    .describe('The dependencies that are down, each with the reason.'),
});

export const peersReplySchema = z.object({
  peers: z.array(z.object({ id: z.string(), addresses: z.array(z.string()) })),
  count: z.number().int(),
  silent: z
    .array(z.string())
    .optional()
    .describe('The dependencies that did not list their nodes within 2 s, which are left out.'),
});
