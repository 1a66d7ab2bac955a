/**
 * For listing the invocations that an invocation has caused, in the order and by the states of the
 * list of ended invocations. Partial, because most invocations have no parent.
 */
export const attemptsByParent = `
create index attempts_by_parent on attempts (parent_id, state, accepted_at, request_id)
where parent_id is not null and state is not null
`;
