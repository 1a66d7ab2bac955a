/**
 * For the sweep, in addition to the index of expired outputs: ended invocations without an output
 * whose input is kept temporarily. Dead letters, replayed or not, keep their inputs as long as their
 * log.
 */
export const attemptsWithInput = `
create index attempts_with_input on attempts (output_expires_at)
where input is not null and output is null and state <> 'dead' and replayed_at is null
`;
