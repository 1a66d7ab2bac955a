/** Functions with their versions, aliases, rollouts, routes and triggers. */
export const FUNCTIONS: readonly string[] = [
  // One row per function ever deployed. It stays after a delete, so that version numbers continue.
  `create table functions (
    namespace text not null,
    name text not null,
    id text not null,
    created_at integer not null,
    last_version integer not null,
    deleted_at integer,
    primary key (namespace, name)
  ) strict, without rowid`,

  // One row per version; column names equal those of the function record. `warm_start_reason` says
  // why a version does not use a warmer start strategy; null when it uses the best one for its kind
  // of module. `probe_pending` is 1 while its start strategy is not final, because its probe was
  // inconclusive and will be repeated. `git_commit` ends with `-dirty` if there were uncommitted
  // changes. `created_by_name` is the name of the key in `created_by`, which may have been revoked
  // since. `wasm_bytes` is the size of the module, for the storage quota.
  `create table function_versions (
    namespace text not null,
    name text not null,
    version integer not null,
    id text not null,
    wasm_cid text not null,
    wasm_bytes integer not null,
    memory_limit_mb integer not null,
    timeout_seconds integer not null,
    is_public integer not null,
    retry_count integer not null,
    retry_delay_seconds real not null,
    warm_start text not null,
    warm_start_reason text,
    probe_pending integer not null default 0,
    created_at integer not null,
    updated_at integer not null,
    created_by text not null,
    created_by_name text,
    message text,
    git_commit text,
    metadata text not null,
    primary key (namespace, name, version)
  ) strict, without rowid`,
  // Finds the users of a module before it is unpinned.
  'create index function_versions_by_cid on function_versions (wasm_cid)',
  // For the storage used by the modules of a namespace: each CID counts once, and no rows are read.
  'create index function_versions_by_size on function_versions (namespace, wasm_cid, wasm_bytes)',

  // The routes of every version of an HTTP function that can be live. The primary key makes a
  // second claim of a method and path fail in any process; `shape` omits the names of parameters.
  `create table function_routes (
    namespace text not null,
    shape text not null,
    function text not null,
    route text not null,
    primary key (namespace, shape)
  ) strict, without rowid`,

  // Names for versions of a function. `weights` is JSON: version to percent.
  `create table aliases (
    namespace text not null,
    function text not null,
    alias text not null,
    version integer not null,
    weights text not null,
    updated_at integer not null,
    primary key (namespace, function, alias)
  ) strict, without rowid`,

  // The last rollout of each function. `change_id` identifies the write that produced the row: of
  // several processes that advance a rollout at the same time, only the one that finds the row
  // unchanged also moves the alias. `created_live`: whether the rollout made the alias `live`,
  // which is removed when the rollout goes back.
  `create table rollouts (
    namespace text not null,
    function text not null,
    change_id text not null,
    state text not null,
    to_version integer not null,
    from_version integer not null,
    created_live integer not null,
    request text not null,
    step integer not null,
    step_started_at integer not null,
    calls integer not null,
    errors integer not null,
    p95_ms real,
    reason text,
    started_at integer not null,
    updated_at integer not null,
    primary key (namespace, function)
  ) strict, without rowid`,

  // `spec` is the topic or the schedule as a canonical string; each is unique per function.
  // `overlap` and `catch_up` are null for the defaults, `allow` and `one`.
  `create table triggers (
    id text not null primary key,
    namespace text not null,
    function text not null,
    spec text not null,
    topic text,
    cron text,
    timezone text,
    overlap text,
    catch_up text,
    source text not null,
    enabled integer not null,
    created_at integer not null,
    unique (namespace, function, spec)
  ) strict, without rowid`,

  // The owners of blobs: knowing a CID does not grant access.
  `create table blob_owners (
    namespace text not null,
    cid text not null,
    name text not null,
    size integer not null,
    created_at integer not null,
    primary key (namespace, cid)
  ) strict, without rowid`,
  // Finds the owners of a blob before it is unpinned.
  'create index blob_owners_by_cid on blob_owners (cid)',

  // Blobs whose bytes are currently being deleted: a put of the same bytes waits until the deletion
  // has ended.
  `create table blob_deletions (
    cid text not null primary key,
    token text not null,
    started_at integer not null
  ) strict, without rowid`,
];
