/**
 * For a function's log, newest first, and its `since` filter. `status` is included so that a search
 * for rare failures reads no rows.
 */
export const attemptsByFunction = `
create index attempts_by_function on attempts (namespace, function, started_at, status)
`;
