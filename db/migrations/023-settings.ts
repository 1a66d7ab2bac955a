/** Small named values of the engine. */
export const settings = `
create table settings (
  scope text not null,
  name text not null,
  value text not null,
  updated_at integer not null,
  primary key (scope, name)
) strict, without rowid
`;
