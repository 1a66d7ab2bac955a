/** `sealed` is ciphertext; the key is never stored in the database. */
export const secrets = `
create table secrets (
  namespace text not null,
  name text not null,
  sealed blob not null,
  key_id text not null,
  created_at integer not null,
  updated_at integer not null,
  primary key (namespace, name)
) strict, without rowid
`;
