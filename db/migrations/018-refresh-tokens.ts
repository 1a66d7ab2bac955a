/**
 * Refresh tokens by their hash, including used ones until they expire: a second use of a token
 * indicates theft.
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
