/**
 * Why a version does not use a warmer start strategy; null when it uses the best one for its kind
 * of module.
 */
export const warmStartReason = `
alter table function_versions add column warm_start_reason text
`;
