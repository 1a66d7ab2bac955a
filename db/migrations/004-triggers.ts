/** `spec` is the topic or the schedule as a canonical string; each is unique per function. */
export const triggers = `
create table triggers (
  id text not null primary key,
  namespace text not null,
  function text not null,
  spec text not null,
  topic text,
  cron text,
  timezone text,
  source text not null,
  enabled integer not null,
  created_at integer not null,
  unique (namespace, function, spec)
) strict, without rowid
`;
