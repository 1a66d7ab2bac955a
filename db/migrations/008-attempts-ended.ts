/**
 * For the list of ended invocations, newest first, and its cursor. Ordered by state, so that the
 * few failures need not be searched among the many successes; `function` is included so that
 * skipping other functions' entries reads no rows.
 */
export const attemptsEnded = `
create index attempts_ended on attempts (namespace, state, accepted_at, request_id, function) where state is not null
`;
