/** The name of the key in `target`, for entries about keys. */
export const auditTargetName = `
alter table audit_events add column target_name text
`;
