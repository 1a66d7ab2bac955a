/**
 * Refresh tokens by their hash, used ones included until they expire: using one again betrays a
 * theft.
 */
export const refreshTokens = `
create table refresh_tokens (
  hash text not null primary key,
  family text not null,
  wallet text not null,
  namespace text not null,
  expires_at integer not null,
  used_at integer
) strict, without rowid
`;
