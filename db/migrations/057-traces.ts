/** The host calls of each attempt of functions with `trace: true`. */
export const traces = `
create table traces (
  request_id text not null,
  attempt integer not null,
  namespace text not null,
  function text not null,
  trace text not null,
  created_at integer not null,
  primary key (request_id, attempt)
) strict, without rowid
`;
