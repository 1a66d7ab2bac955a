/** Names for versions of a function. `weights` is JSON: version to percent. */
export const aliases = `
create table aliases (
  namespace text not null,
  function text not null,
  alias text not null,
  version integer not null,
  weights text not null,
  updated_at integer not null,
  primary key (namespace, function, alias)
) strict, without rowid
`;
