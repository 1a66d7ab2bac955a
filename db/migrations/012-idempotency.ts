/** The claims of Idempotency-Keys. */
export const idempotency = `
create table idempotency (
  namespace text not null,
  function text not null,
  key text not null,
  body_hash text not null,
  request_id text not null,
  version integer not null,
  expires_at integer not null,
  primary key (namespace, function, key)
) strict, without rowid
`;
