/**
 * For the list of ended invocations, newest first, and its cursor. By state, since the few that
 * failed should not be looked for among the many that did not; `function` only so that passing over
 * the others' reads no rows.
 */
export const attemptsEnded = `
create index attempts_ended on attempts (namespace, state, accepted_at, request_id, function) where state is not null
`;
