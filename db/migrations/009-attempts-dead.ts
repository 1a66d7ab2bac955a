/**
 * For dead letters: a small index, so that counting, listing and purging them never scans the log.
 */
export const attemptsDead = `
create index attempts_dead on attempts (namespace, function, accepted_at, reason, completed_at) where state = 'dead'
`;
