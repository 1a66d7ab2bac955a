import * as z from 'zod';

export const healthReplySchema = z.object({
  status: z.enum(['ok', 'down']),
  dependencies: z.record(
    z.string(),
    z.object({ status: z.enum(['up', 'down']), error: z.string().optional() }),
  ),
});

export const modulesReplySchema = z.object({
  status: z.enum(['ok', 'damaged']),
  checked: z.number().describe('Number of versions whose modules were read.'),
  damaged: z.array(
    z.object({ function: z.string(), version: z.number(), wasm_cid: z.string(), error: z.string() }),
  ),
});

export const versionReplySchema = z.object({ name: z.string(), version: z.string(), node: z.string() });

export const statusReplySchema = z.object({
  status: z.enum(['ok', 'down']),
  version: z.string(),
  functions_url: z.string().describe('URL of HTTP functions; `{namespace}` is part of it or appended to it.'),
  uptime_seconds: z.number().optional(),
  dependencies: healthReplySchema.shape.dependencies.optional(),
  queue: z
    .object({
      waiting: z.number(),
      running: z.number(),
      retrying: z.number(),
      bytes: z.number(),
      oldest_ms: z.number(),
    })
    .optional(),
  engine: z.record(z.string(), z.number()).optional(),
});
