// The shapes of the HTTP API, from the very schemas that the server answers by; types alone are taken from them.
import type { z } from 'zod';
import type { aliasesReplySchema } from '../../src/contract/http/aliases.js';
import type { keysReplySchema } from '../../src/contract/http/auth.js';
import type { functionsReplySchema, versionsReplySchema } from '../../src/contract/http/functions.js';
import type { logsReplySchema } from '../../src/contract/http/logs.js';
import type { statusReplySchema } from '../../src/contract/http/meta.js';
import type { topicsReplySchema } from '../../src/contract/http/pubsub.js';
import type { secretsReplySchema } from '../../src/contract/http/secrets.js';
import type { triggersReplySchema } from '../../src/contract/http/triggers.js';
import type { invocationRecordSchema, logRecordSchema } from '../../src/contract/invocation.js';
import type { rolloutRecordSchema } from '../../src/contract/rollout.js';

export type AliasesReply = z.infer<typeof aliasesReplySchema>;
export type FunctionsReply = z.infer<typeof functionsReplySchema>;
export type FunctionRecord = FunctionsReply['functions'][number];
export type InvocationRecord = z.infer<typeof invocationRecordSchema> & {
  parent_id: string | null;
  input: string | null;
  input_base64?: string | undefined;
  callback: { url: string; attempts: number; delivered_at: string | null; last_error: string | null } | null;
};
export interface InvocationsReply {
  invocations: InvocationRecord[];
  count: number;
  next_cursor: string | null;
}
export type KeysReply = z.infer<typeof keysReplySchema>;
export type LogRecord = z.infer<typeof logRecordSchema>;
export type LogsReply = z.infer<typeof logsReplySchema>;
export type Rollout = z.infer<typeof rolloutRecordSchema>;
export type SecretsReply = z.infer<typeof secretsReplySchema>;
export type StatusReply = z.infer<typeof statusReplySchema>;
export type TopicsReply = z.infer<typeof topicsReplySchema>;
export type TriggersReply = z.infer<typeof triggersReplySchema>;
export type Trigger = TriggersReply['triggers'][number];
export type VersionsReply = z.infer<typeof versionsReplySchema>;
export interface Minute {
  minute: string;
  accepted: number;
  success: number;
  error: number;
  timeout: number;
  dead: number;
  p50_ms: number | null;
  p95_ms: number | null;
}
export interface Stats {
  per_minute: Minute[];
  now: { waiting: number; delayed: number; running: number; oldest_waiting_s: number };
}
export interface AuditReply {
  events: { at: string; actor: string; action: string; target: string; request_id: string }[];
  count: number;
  next_cursor: string | null;
}
