import { functions } from './001-functions.js';
import { functionVersions } from './002-function-versions.js';
import { functionVersionsByCid } from './003-function-versions-by-cid.js';
import { triggers } from './004-triggers.js';
import { secrets } from './005-secrets.js';
import { attempts } from './006-attempts.js';
import { attemptsByFunction } from './007-attempts-by-function.js';
import { attemptsEnded } from './008-attempts-ended.js';
import { attemptsDead } from './009-attempts-dead.js';
import { attemptsWithOutput } from './010-attempts-with-output.js';
import { apiKeys } from './011-api-keys.js';
import { idempotency } from './012-idempotency.js';
import { idempotencyByExpiry } from './013-idempotency-by-expiry.js';
import { blobOwners } from './014-blob-owners.js';
import { blobOwnersByCid } from './015-blob-owners-by-cid.js';
import { nonces } from './016-nonces.js';
import { noncesByExpiry } from './017-nonces-by-expiry.js';
import { refreshTokens } from './018-refresh-tokens.js';
import { refreshTokensByExpiry } from './019-refresh-tokens-by-expiry.js';
import { revokedFamilies } from './020-revoked-families.js';
import { revokedFamiliesByTime } from './021-revoked-families-by-time.js';
import { namespaces } from './022-namespaces.js';
import { settings } from './023-settings.js';
import { blobDeletions } from './024-blob-deletions.js';
import { aliases } from './025-aliases.js';
import { rollouts } from './026-rollouts.js';
import { keyScopes } from './027-key-scopes.js';
import { keyFunctions } from './028-key-functions.js';
import { keyExpiresAt } from './029-key-expires-at.js';
import { keyCreatedBy } from './030-key-created-by.js';
import { keyMakers } from './031-key-makers.js';
import { keyMakersByKey } from './032-key-makers-by-key.js';
import { auditEvents } from './033-audit-events.js';
import { auditEventsByTime } from './034-audit-events-by-time.js';
import { warmStartReason } from './035-warm-start-reason.js';
import { probePending } from './036-probe-pending.js';
import { triggerOverlap } from './037-trigger-overlap.js';
import { triggerCatchUp } from './038-trigger-catch-up.js';

export interface Migration {
  name: string;
  /** One DDL statement. */
  sql: string;
}

/** In the order they are applied. Append only: what has been released is never edited. */
export const MIGRATIONS: readonly Migration[] = [
  { name: '001-functions', sql: functions },
  { name: '002-function-versions', sql: functionVersions },
  { name: '003-function-versions-by-cid', sql: functionVersionsByCid },
  { name: '004-triggers', sql: triggers },
  { name: '005-secrets', sql: secrets },
  { name: '006-attempts', sql: attempts },
  { name: '007-attempts-by-function', sql: attemptsByFunction },
  { name: '008-attempts-ended', sql: attemptsEnded },
  { name: '009-attempts-dead', sql: attemptsDead },
  { name: '010-attempts-with-output', sql: attemptsWithOutput },
  { name: '011-api-keys', sql: apiKeys },
  { name: '012-idempotency', sql: idempotency },
  { name: '013-idempotency-by-expiry', sql: idempotencyByExpiry },
  { name: '014-blob-owners', sql: blobOwners },
  { name: '015-blob-owners-by-cid', sql: blobOwnersByCid },
  { name: '016-nonces', sql: nonces },
  { name: '017-nonces-by-expiry', sql: noncesByExpiry },
  { name: '018-refresh-tokens', sql: refreshTokens },
  { name: '019-refresh-tokens-by-expiry', sql: refreshTokensByExpiry },
  { name: '020-revoked-families', sql: revokedFamilies },
  { name: '021-revoked-families-by-time', sql: revokedFamiliesByTime },
  { name: '022-namespaces', sql: namespaces },
  { name: '023-settings', sql: settings },
  { name: '024-blob-deletions', sql: blobDeletions },
  { name: '025-aliases', sql: aliases },
  { name: '026-rollouts', sql: rollouts },
  { name: '027-key-scopes', sql: keyScopes },
  { name: '028-key-functions', sql: keyFunctions },
  { name: '029-key-expires-at', sql: keyExpiresAt },
  { name: '030-key-created-by', sql: keyCreatedBy },
  { name: '031-key-makers', sql: keyMakers },
  { name: '032-key-makers-by-key', sql: keyMakersByKey },
  { name: '033-audit-events', sql: auditEvents },
  { name: '034-audit-events-by-time', sql: auditEventsByTime },
  { name: '035-warm-start-reason', sql: warmStartReason },
  { name: '036-probe-pending', sql: probePending },
  { name: '037-trigger-overlap', sql: triggerOverlap },
  { name: '038-trigger-catch-up', sql: triggerCatchUp },
];
