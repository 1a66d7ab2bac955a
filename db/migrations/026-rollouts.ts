/**
 * The last rollout of each function. `change_id` identifies the write that produced the row: of
 * several processes that advance a rollout at the same time, only the one that finds the row
 * unchanged also moves the alias.
 */
export const rollouts = `
create table rollouts (
  namespace text not null,
  function text not null,
  change_id text not null,
  state text not null,
  to_version integer not null,
  from_version integer not null,
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
) strict, without rowid
`;
