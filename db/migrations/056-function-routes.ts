/**
 * The routes of the newest version of each HTTP function. The primary key makes a second claim of a
 * method and path fail in any process; `shape` omits the names of parameters.
 */
export const functionRoutes = `
create table function_routes (
  namespace text not null,
  shape text not null,
  function text not null,
  route text not null,
  primary key (namespace, shape)
) strict, without rowid
`;
