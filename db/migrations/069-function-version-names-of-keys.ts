/** Adds the names of existing keys to versions that were deployed before names were stored. */
export const functionVersionNamesOfKeys = `
update function_versions set
  created_by_name = (select name from api_keys where id = substr(function_versions.created_by, 5))
where created_by like 'key:%'
`;
