/** The bytes of log lines per namespace and UTC day. */
export const logBytes = `
create table log_bytes (
  namespace text not null,
  day text not null,
  bytes integer not null,
  primary key (namespace, day)
) strict, without rowid
`;
