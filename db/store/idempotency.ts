import type { RequestId } from '../../src/contract/ids.js';
import { AppError } from '../../src/errors.js';
import type { Claim, IdempotencyStore } from '../../src/ports/store/idempotency.js';
import type { Database } from '../database.js';

interface ClaimRow {
  namespace: string;
  function: string;
  key: string;
  body_hash: string;
  request_id: string;
  version: number;
  expires_at: number;
}

/** The names in the row of a claimed request id; not valid names, as those contain no spaces. */
const REQUEST_IDS = { namespace: 'request ids', function: 'request ids' };

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

/** Creates the repository of idempotency keys, and of the request ids that clients have chosen. */
export function createIdempotencyStore(database: Database): IdempotencyStore {
  const { knex } = database;
  const claims = () => knex<ClaimRow>('idempotency');

  /** Resolves with the row that holds the key of the given one. */
  async function claim(row: ClaimRow): Promise<ClaimRow> {
    const { namespace, function: name, key } = row;
    const now = Date.now();
    const values = [namespace, name, key, row.body_hash, row.request_id, row.version, row.expires_at];
    const [, , rows] = await database.batch(
      [
        knex.raw(CLAIM, [...values, now]),
        knex.raw(DROP_EXPIRED, [now]),
        claims().where({ namespace, function: name, key }),
      ],
      { idempotent: true },
    );
    const [held] = rows as ClaimRow[];
    if (held !== undefined) return held;
    throw new AppError('invalid_request', 'The claim of this Idempotency-Key expired before it was stored.');
  }

  return {
    async claimKey(wanted) {
      const { body_hash, request_id, version, expires_at } = await claim(rowOf(wanted));
      const requestId = request_id as RequestId;
      return { ...wanted, bodyHash: body_hash, requestId, version, expiresAt: expires_at };
    },

    async claimId(wanted) {
      const { body_hash, request_id, expires_at } = await claim(rowOf(wanted));
      return { ...wanted, owner: body_hash, token: request_id, expiresAt: expires_at };
    },

    async renew(held, until) {
      // Each renewal has another expiry, by which it is told from the one before.
      const expiresAt = Math.max(until, held.expiresAt + 1);
      const changed = await database.run(claims().where(heldAs(held)).update({ expires_at: expiresAt }));
      return changed === 1 ? { ...held, expiresAt } : null;
    },

    async release(held) {
      await database.run(claims().where(heldAs(held)).delete());
    },
  };
}

/** Selects a claim, unless another caller holds its key or has renewed it. */
function heldAs(claim: Claim): Partial<ClaimRow> {
  const { namespace, function: name, key, request_id, expires_at } = rowOf(claim);
  return { namespace, function: name, key, request_id, expires_at };
}

/**
 * A request id is stored as the key, with its owner as the body and its token as the invocation.
 */
function rowOf(claim: Claim): ClaimRow {
  const expires_at = claim.expiresAt;
  if ('owner' in claim) {
    const { requestId: key, owner, token } = claim;
    return { ...REQUEST_IDS, key, body_hash: owner, request_id: token, version: 0, expires_at };
  }
  const { namespace, function: name, key, bodyHash, requestId, version } = claim;
  return { namespace, function: name, key, body_hash: bodyHash, request_id: requestId, version, expires_at };
}
