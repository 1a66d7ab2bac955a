/**
 * By it a caller that hears of the end from the store still learns that the function refused its
 * input.
 */
export const attemptsExitCode = `
alter table attempts add column exit_code integer
`;
