/** The delivery status of callbacks, one row per invocation with a callback. */
export const callbacks = `
create table callbacks (
  request_id text not null primary key,
  url text not null,
  attempts integer not null,
  delivered_at integer,
  last_error text,
  created_at integer not null
) strict, without rowid
`;
