import * as z from 'zod';
import { aliasRecordSchema, aliasSchema } from '../alias.js';
import { functionNameSchema } from '../ids.js';

export const aliasPath = z.object({ name: functionNameSchema, alias: aliasSchema });

export const aliasesReplySchema = z.object({
  aliases: z.array(aliasRecordSchema),
  count: z.number().int(),
});
