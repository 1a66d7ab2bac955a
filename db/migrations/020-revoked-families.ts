/** Logins whose tokens have been revoked. */
export const revokedFamilies = `
create table revoked_families (
  family text not null primary key,
  revoked_at integer not null
) strict, without rowid
`;
