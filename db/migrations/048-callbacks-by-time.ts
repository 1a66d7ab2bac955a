/** For the sweep that deletes them together with the log. */
export const callbacksByTime = `
create index callbacks_by_time on callbacks (created_at)
`;
