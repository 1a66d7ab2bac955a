/** The scopes of a key, as a JSON array. Keys created before this migration keep all scopes. */
export const keyScopes = `
alter table api_keys add column scopes text not null default '["*"]'
`;
