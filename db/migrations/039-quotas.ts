/**
 * Quotas that the admin has set for a namespace; what is not here has its default. `value` in the
 * unit of the quota.
 */
export const quotas = `
create table quotas (
  namespace text not null,
  name text not null,
  value integer not null,
  primary key (namespace, name)
) strict, without rowid
`;
