/** Names and patterns of the functions that a key is limited to, as a JSON array; null for all. */
export const keyFunctions = `
alter table api_keys add column functions text
`;
