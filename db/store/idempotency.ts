import type { FunctionName, Namespace, RequestId } from '../../src/contract/ids.js';
import { AppError } from '../../src/errors.js';
import type { IdempotencyClaim, IdempotencyStore } from '../../src/ports/store/idempotency.js';
import type { Database } from '../database.js';

interface ClaimRow {
  namespace: Namespace;
  function: FunctionName;
  key: string;
  body_hash: string;
  request_id: RequestId;
  version: number;
  expires_at: number;
}

/**
 * Claims a key that is free or expired. Idempotent, because the first claim has not expired yet.
 */
const CLAIM = `
insert into idempotency (namespace, function, key, body_hash, request_id, version, expires_at)
values (?, ?, ?, ?, ?, ?, ?)
on conflict (namespace, function, key) do update set
  body_hash = excluded.body_hash, request_id = excluded.request_id, version = excluded.version,
  expires_at = excluded.expires_at
where idempotency.expires_at <= ?`;

/** Each claim deletes some expired ones, so that no separate sweep is needed. */
const DROP_EXPIRED = `
delete from idempotency where (namespace, function, key) in (
  select namespace, function, key from idempotency where expires_at <= ? order by expires_at limit 10)`;

/** Creates the repository of idempotency keys. */
export function createIdempotencyStore(database: Database): IdempotencyStore {
  const { knex } = database;
  const claims = () => knex<ClaimRow>('idempotency');

  return {
    async claim(claim) {
      const { namespace, key } = claim;
      const now = Date.now();
      const [, , rows] = await database.batch(
        [
          knex.raw(CLAIM, [
            namespace,
            claim.function,
            key,
            claim.bodyHash,
            claim.requestId,
            claim.version,
            claim.expiresAt,
            now,
          ]),
          knex.raw(DROP_EXPIRED, [now]),
          claims().where({ namespace, function: claim.function, key }),
        ],
        { idempotent: true },
      );
      const [held] = rows as ClaimRow[];
      if (held === undefined) {
        throw new AppError(
          'invalid_request',
          'The claim of this Idempotency-Key expired before it was stored.',
        );
      }
      return toClaim(held);
    },

    async renew(claim, until) {
      // Each renewal has another expiry, by which it is told from the one before.
      const expiresAt = Math.max(until, claim.expiresAt + 1);
      const changed = await database.run(claims().where(heldAs(claim)).update({ expires_at: expiresAt }));
      return changed === 1 ? { ...claim, expiresAt } : null;
    },

    async release(claim) {
      await database.run(claims().where(heldAs(claim)).delete());
    },
  };
}

/** Selects a claim, unless another caller holds its key or has renewed it. */
function heldAs({ namespace, function: fn, key, requestId, expiresAt }: IdempotencyClaim): Partial<ClaimRow> {
  return { namespace, function: fn, key, request_id: requestId, expires_at: expiresAt };
}

function toClaim(row: ClaimRow): IdempotencyClaim {
  return {
    namespace: row.namespace,
    function: row.function,
    key: row.key,
    bodyHash: row.body_hash,
    requestId: row.request_id,
    version: row.version,
    expiresAt: row.expires_at,
  };
}
