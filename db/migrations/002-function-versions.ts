/** One row per version; column names equal those of the function record. */
export const functionVersions = `
create table function_versions (
  namespace text not null,
  name text not null,
  version integer not null,
  id text not null,
  wasm_cid text not null,
  memory_limit_mb integer not null,
  timeout_seconds integer not null,
  is_public integer not null,
  retry_count integer not null,
  retry_delay_seconds real not null,
  warm_start text not null,
  created_at integer not null,
  updated_at integer not null,
  created_by text not null,
  metadata text not null,
  primary key (namespace, name, version)
) strict, without rowid
`;
