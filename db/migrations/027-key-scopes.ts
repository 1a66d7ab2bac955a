/** What a key may do, as a JSON array. Keys made before may do everything, as they could. */
export const keyScopes = `
alter table api_keys add column scopes text not null default '["*"]'
`;
