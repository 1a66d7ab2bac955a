/** When a key expires; null for never. */
export const keyExpiresAt = `
alter table api_keys add column expires_at integer
`;
