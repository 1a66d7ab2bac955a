// Types of the HTTP API, derived from the schemas of the server. Only types are imported.
import type { z } from 'zod';
import type { aliasesReplySchema } from '../../src/contract/http/aliases.js';
import type { auditReplySchema, keysReplySchema } from '../../src/contract/http/auth.js';
import type {
  functionsReplySchema,
  settingsReplySchema,
  versionsReplySchema,
} from '../../src/contract/http/functions.js';
import type { httpRequestReplySchema } from '../../src/contract/http/http-requests.js';
import type { deadGroupsReplySchema, invocationsReplySchema } from '../../src/contract/http/invocations.js';
import type { logsReplySchema } from '../../src/contract/http/logs.js';
import type { statusReplySchema } from '../../src/contract/http/meta.js';
import type { usageReplySchema } from '../../src/contract/http/namespaces.js';
import type { peersReplySchema } from '../../src/contract/http/network.js';
import type { topicsReplySchema } from '../../src/contract/http/pubsub.js';
import type { secretsReplySchema } from '../../src/contract/http/secrets.js';
import type { statsReplySchema } from '../../src/contract/http/stats.js';
import type { triggersReplySchema } from '../../src/contract/http/triggers.js';
import type { invocationRecordSchema, logRecordSchema } from '../../src/contract/invocation.js';
import type { rolloutRecordSchema } from '../../src/contract/rollout.js';

export type AuditReply = z.infer<typeof auditReplySchema>;
export type AliasesReply = z.infer<typeof aliasesReplySchema>;
export type DeadGroupsReply = z.infer<typeof deadGroupsReplySchema>;
export type DeadGroup = DeadGroupsReply['groups'][number];
export type FunctionsReply = z.infer<typeof functionsReplySchema>;
export type FunctionRecord = FunctionsReply['functions'][number];
export type HttpReply = z.infer<typeof httpRequestReplySchema>;
export type InvocationRecord = z.infer<typeof invocationRecordSchema>;
export type InvocationsReply = z.infer<typeof invocationsReplySchema>;
export type KeysReply = z.infer<typeof keysReplySchema>;
export type KeyRecord = KeysReply['keys'][number];
export type LogRecord = z.infer<typeof logRecordSchema>;
export type LogsReply = z.infer<typeof logsReplySchema>;
export type PeersReply = z.infer<typeof peersReplySchema>;
export type Rollout = z.infer<typeof rolloutRecordSchema>;
export type SecretsReply = z.infer<typeof secretsReplySchema>;
export type SettingsReply = z.infer<typeof settingsReplySchema>;
export type StatusReply = z.infer<typeof statusReplySchema>;
export type TopicsReply = z.infer<typeof topicsReplySchema>;
export type TriggersReply = z.infer<typeof triggersReplySchema>;
export type Trigger = TriggersReply['triggers'][number];
export type VersionsReply = z.infer<typeof versionsReplySchema>;
export type Stats = z.infer<typeof statsReplySchema>;
export type Minute = Stats['per_minute'][number];
export type UsageReply = z.infer<typeof usageReplySchema>;
