/**
 * 1 while the start strategy of a version is not final, because its probe was inconclusive and will
 * be repeated.
 */
export const probePending = `
alter table function_versions add column probe_pending integer not null default 0
`;
