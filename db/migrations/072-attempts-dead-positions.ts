/** For counting dead letters in steps. */
export const attemptsDeadPositions = `
create index attempts_dead_positions on attempts (namespace, position) where state = 'dead'
`;
