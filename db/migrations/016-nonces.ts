/** Pending wallet challenges. */
export const nonces = `
create table nonces (
  nonce text not null primary key,
  wallet text not null,
  namespace text not null,
  purpose text not null,
  expires_at integer not null
) strict, without rowid
`;
