/** For the sweep that drops expired outputs; a row leaves it when it has. */
export const attemptsWithOutput = `
create index attempts_with_output on attempts (output_expires_at) where output is not null
`;
