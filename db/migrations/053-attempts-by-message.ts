/**
 * For listing the invocations that a message has triggered; see 046 for the equivalent for parents.
 */
export const attemptsByMessage = `
create index attempts_by_message on attempts (message_id, state, accepted_at, request_id)
where message_id is not null and state is not null
`;
