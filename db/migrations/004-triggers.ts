/** `spec` is the topic or the schedule in one canonical string: a function has each only once. */
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
