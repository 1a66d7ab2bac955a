/** For the list of ended invocations, newest first, and its cursor. */
export const attemptsEnded = `
create index attempts_ended on attempts (namespace, accepted_at, request_id) where state is not null
`;
