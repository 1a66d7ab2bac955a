/** For deleting expired tokens. */
export const refreshTokensByExpiry = `
create index refresh_tokens_by_expiry on refresh_tokens (expires_at)
`;
