/** For deleting expired claims. */
export const idempotencyByExpiry = `
create index idempotency_by_expiry on idempotency (expires_at)
`;
