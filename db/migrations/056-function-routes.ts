/**
 * The routes of the newest version of each HTTP function. The key is what makes a second claim to a
 * method and path fail, whichever process makes it; `shape` leaves out what parameters are called.
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
