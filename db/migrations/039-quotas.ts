/**
 * Quotas set by an admin for a namespace; other quotas have their defaults. `value` is in the unit
 * of the quota.
 */
export const quotas = `
create table quotas (
  namespace text not null,
  name text not null,
  value integer not null,
  primary key (namespace, name)
) strict, without rowid
`;
