/** Who may do what: namespaces, keys and sessions, the audit log, secrets and quotas. */
export const ACCESS: readonly string[] = [
  // The wallet that owns each namespace.
  `create table namespaces (
    namespace text not null primary key,
    wallet text not null,
    claimed_at integer not null
  ) strict, without rowid`,

  // `hash` is the SHA-256 of the whole key; the key itself is not stored. `scopes` is a JSON array,
  // and so is `functions`, the names and patterns that the key is restricted to; null for all
  // functions. `created_by` is the subject of the credential that created the key.
  `create table api_keys (
    id text not null primary key,
    namespace text not null,
    name text not null,
    hash text not null unique,
    is_admin integer not null,
    scopes text not null,
    functions text,
    expires_at integer,
    created_by text not null,
    created_at integer not null,
    last_used_at integer
  ) strict, without rowid`,
  // For listing the keys of a namespace, and for their quota.
  'create index api_keys_by_namespace on api_keys (namespace)',

  // All credentials from which a key derives, across generations: `key:<id>` and
  // `session:<family>`. When one of them is revoked, the key is found and revoked with it.
  `create table key_makers (
    maker text not null,
    key_id text not null,
    primary key (maker, key_id)
  ) strict, without rowid`,
  // Finds the makers of a key that creates another key.
  'create index key_makers_by_key on key_makers (key_id)',

  // Pending wallet challenges.
  `create table nonces (
    nonce text not null primary key,
    wallet text not null,
    namespace text not null,
    purpose text not null,
    expires_at integer not null
  ) strict, without rowid`,
  // For deleting expired challenges.
  'create index nonces_by_expiry on nonces (expires_at)',

  // Refresh tokens by their hash, including used ones until they expire: a second use of a token
  // indicates theft.
  `create table refresh_tokens (
    hash text not null primary key,
    family text not null,
    wallet text not null,
    namespace text not null,
    expires_at integer not null,
    used_at integer
  ) strict, without rowid`,
  // For deleting expired tokens.
  'create index refresh_tokens_by_expiry on refresh_tokens (expires_at)',

  // Logins whose tokens have been revoked.
  `create table revoked_families (
    family text not null primary key,
    revoked_at integer not null
  ) strict, without rowid`,
  // For listing recent revocations.
  'create index revoked_families_by_time on revoked_families (revoked_at)',

  // The audit log. Ids are UUIDv7, so that the primary key orders a namespace's events by time. The
  // names are those of the keys in `actor` and `target`: a revoked key is deleted with its name.
  `create table audit_events (
    namespace text not null,
    id text not null,
    at integer not null,
    actor text not null,
    actor_name text,
    action text not null,
    target text not null,
    target_name text,
    request_id text not null,
    primary key (namespace, id)
  ) strict, without rowid`,
  // For deleting expired events.
  'create index audit_events_by_time on audit_events (at)',

  // `sealed` is ciphertext; the key is never stored in the database.
  `create table secrets (
    namespace text not null,
    name text not null,
    sealed blob not null,
    key_id text not null,
    created_at integer not null,
    updated_at integer not null,
    primary key (namespace, name)
  ) strict, without rowid`,

  // Quotas set by an admin for a namespace; other quotas have their defaults. `value` is in the
  // unit of the quota.
  `create table quotas (
    namespace text not null,
    name text not null,
    value integer not null,
    primary key (namespace, name)
  ) strict, without rowid`,

  // Small named values of the engine.
  `create table settings (
    scope text not null,
    name text not null,
    value text not null,
    updated_at integer not null,
    primary key (scope, name)
  ) strict, without rowid`,
];
