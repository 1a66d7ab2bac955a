/**
 * Names and patterns of the functions that a key is restricted to, as a JSON array; null for all
 * functions.
 */
export const keyFunctions = `
alter table api_keys add column functions text
`;
