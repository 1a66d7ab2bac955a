/** For the list of a namespace's keys, and their quota. */
export const apiKeysByNamespace = `
create index api_keys_by_namespace on api_keys (namespace)
`;
