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
import { attemptsParent } from './025-attempts-parent.js';
import { attemptsExitCode } from './026-attempts-exit-code.js';
import { attemptsByParent } from './027-attempts-by-parent.js';
import { callbacks } from './028-callbacks.js';
import { callbacksByTime } from './029-callbacks-by-time.js';
import { attemptsWithInput } from './030-attempts-with-input.js';
import { attemptsHttpRequest } from './031-attempts-http-request.js';

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
  { name: '025-attempts-parent', sql: attemptsParent },
  { name: '026-attempts-exit-code', sql: attemptsExitCode },
  { name: '027-attempts-by-parent', sql: attemptsByParent },
  { name: '028-callbacks', sql: callbacks },
  { name: '029-callbacks-by-time', sql: callbacksByTime },
  { name: '030-attempts-with-input', sql: attemptsWithInput },
  { name: '031-attempts-http-request', sql: attemptsHttpRequest },
];
