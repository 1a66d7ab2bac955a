import * as z from 'zod';
import { triggerSpecSchema } from '../function.js';
import { functionNameSchema } from '../ids.js';
import { triggerRecordSchema } from '../records.js';

export const triggerPath = z.object({ name: functionNameSchema, id: z.string().min(1).max(128) });

export const addTriggerBodySchema = triggerSpecSchema;

export const addTriggerReplySchema = z.object({ message: z.string(), trigger: triggerRecordSchema });

export const patchTriggerBodySchema = z.strictObject({ enabled: z.boolean() });

export const runTriggerReplySchema = z.object({ request_id: z.string() });

export const triggersReplySchema = z.object({
  triggers: z.array(triggerRecordSchema),
  count: z.number().int(),
});
