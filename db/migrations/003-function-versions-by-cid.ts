/** For the question whether a module may be unpinned. */
export const functionVersionsByCid = `
create index function_versions_by_cid on function_versions (wasm_cid)
`;
