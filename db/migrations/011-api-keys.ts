/** `hash` is the SHA-256 of the whole key; the key itself is not stored. */
export const apiKeys = `
create table api_keys (
  id text not null primary key,
  namespace text not null,
  name text not null,
  hash text not null unique,
  is_admin integer not null,
  created_at integer not null,
  last_used_at integer
) strict, without rowid
`;
