/** For what a message has fired, as 046 is for what an invocation has caused. */
export const attemptsByMessage = `
create index attempts_by_message on attempts (message_id, state, accepted_at, request_id)
where message_id is not null and state is not null
`;
