/** The wallet that owns each namespace. */
export const namespaces = `
create table namespaces (
  namespace text not null primary key,
  wallet text not null,
  claimed_at integer not null
) strict, without rowid
`;
