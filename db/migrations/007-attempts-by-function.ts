/** For a function's log, newest first, and its `since`. */
export const attemptsByFunction = `
create index attempts_by_function on attempts (namespace, function, started_at)
`;
