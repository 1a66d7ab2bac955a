/**
 * For the sweep, beside the one of expired outputs: ends without an output whose input is kept for
 * a while. Dead letters, replayed or not, keep theirs as long as their log.
 */
export const attemptsWithInput = `
create index attempts_with_input on attempts (output_expires_at)
where input is not null and output is null and state <> 'dead' and replayed_at is null
`;
