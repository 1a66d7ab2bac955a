/** For the sweep of expired outputs; a row leaves the index when its output is deleted. */
export const attemptsWithOutput = `
create index attempts_with_output on attempts (output_expires_at) where output is not null
`;
