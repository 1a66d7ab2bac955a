/**
 * 1 while it is not settled how a version starts: its probe was not conclusive, and is repeated.
 */
export const probePending = `
alter table function_versions add column probe_pending integer not null default 0
`;
