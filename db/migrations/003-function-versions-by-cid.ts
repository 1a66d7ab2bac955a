/** Finds the users of a module before it is unpinned. */
export const functionVersionsByCid = `
create index function_versions_by_cid on function_versions (wasm_cid)
`;
