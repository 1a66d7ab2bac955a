/** The namespace whose waiting callbacks are counted together; empty for older ones. */
export const callbacksNamespace = `
alter table callbacks add column namespace text not null default ''
`;
