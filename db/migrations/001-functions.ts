/**
 * One row per function ever deployed. A row stays after a delete, so that version numbers continue.
 */
export const functions = `
create table functions (
  namespace text not null,
  name text not null,
  id text not null,
  created_at integer not null,
  last_version integer not null,
  deleted_at integer,
  primary key (namespace, name)
) strict, without rowid
`;
