/** The audit log. Ids are UUIDv7, so that the key orders a namespace's events by time. */
export const auditEvents = `
create table audit_events (
  namespace text not null,
  id text not null,
  at integer not null,
  actor text not null,
  action text not null,
  target text not null,
  request_id text not null,
  primary key (namespace, id)
) strict, without rowid
`;
