/** Why a version does not start warmer than it does; null when it starts as its kind's best. */
export const warmStartReason = `
alter table function_versions add column warm_start_reason text
`;
