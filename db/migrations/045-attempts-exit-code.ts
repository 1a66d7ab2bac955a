/**
 * The exit code, so that a caller that learns of the end from the store can tell that the function
 * refused its input.
 */
export const attemptsExitCode = `
alter table attempts add column exit_code integer
`;
