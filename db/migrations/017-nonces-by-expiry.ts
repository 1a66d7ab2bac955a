/** For deleting expired challenges. */
export const noncesByExpiry = `
create index nonces_by_expiry on nonces (expires_at)
`;
