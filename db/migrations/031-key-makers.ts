/**
 * All credentials from which a key derives, across generations: `key:<id>` and `session:<family>`.
 * When one of them is revoked, the key is found and revoked with it.
 */
export const keyMakers = `
create table key_makers (
  maker text not null,
  key_id text not null,
  primary key (maker, key_id)
) strict, without rowid
`;
