/** For the sweep that deletes them together with the log. */
export const tracesByTime = `
create index traces_by_time on traces (created_at)
`;
