/** For listing the keys of a namespace, and for their quota. */
export const apiKeysByNamespace = `
create index api_keys_by_namespace on api_keys (namespace)
`;
