/** The subject of the credential that created a key. */
export const keyCreatedBy = `
alter table api_keys add column created_by text not null default ''
`;
