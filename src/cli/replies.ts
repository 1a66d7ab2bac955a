import { z } from 'zod';
import { functionRecordSchema } from '../contract/function.js';
import { invocationRecordSchema, logRecordSchema } from '../contract/invocation.js';
import { keyRecordSchema, secretRecordSchema, triggerRecordSchema } from '../contract/records.js';

/** What the CLI reads of the API's replies. */
export const messageReply = z.object({ message: z.string() });
export const functionReply = z.object({ message: z.string(), function: functionRecordSchema });
export const functionsReply = z.object({ functions: z.array(functionRecordSchema) });
export const versionsReply = z.object({ versions: z.array(functionRecordSchema) });
export const logsReply = z.object({ logs: z.array(logRecordSchema) });
export const secretsReply = z.object({ secrets: z.array(secretRecordSchema) });
export const triggerReply = z.object({ message: z.string(), trigger: triggerRecordSchema });
export const triggersReply = z.object({ triggers: z.array(triggerRecordSchema) });
export const invocationsReply = z.object({
  invocations: z.array(invocationRecordSchema),
  next_cursor: z.string().nullish(),
});
export const keyReply = z.object({
  api_key: z.string(),
  id: z.string(),
  name: z.string(),
  namespace: z.string(),
});
export const keysReply = z.object({ keys: z.array(keyRecordSchema) });
export const countReply = z.object({ count: z.number() });
export const requestReply = z.object({ request_id: z.string() });
