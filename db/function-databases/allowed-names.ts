/**
 * All SQL functions and virtual table modules that a statement may use, by group. Names in no group
 * are refused: a build of SQLite may provide anything under any name, so a list of forbidden names
 * can never be complete. The guard, which reads the text, and the authorizer, which SQLite calls
 * for each resolved name, use the same table.
 */
interface Group {
  reason: string;
  names: readonly string[];
}

const words = (text: string): string[] => text.trim().split(/\s+/);

/** The allowed SQL functions, with the reason for each group. */
export const FUNCTION_GROUPS: readonly Group[] = [
  {
    reason:
      'Core scalar functions of sqlite.org/lang_corefunc.html: they compute from their arguments alone.',
    names:
      words(`abs char coalesce concat concat_ws format glob hex if ifnull iif instr length like likelihood likely
      lower ltrim max min nullif octet_length printf quote random randomblob replace round rtrim sign soundex substr
      substring subtype trim typeof unhex unicode unistr unistr_quote unlikely upper zeroblob`),
  },
  {
    reason: 'Counters of the connection: at worst those of an earlier statement on the same file.',
    names: words('changes last_insert_rowid total_changes'),
  },
  {
    reason: 'The version and the build options of SQLite, which are public.',
    names: words('sqlite_compileoption_get sqlite_compileoption_used sqlite_source_id sqlite_version'),
  },
  {
    reason:
      'Operators that SQLite compiles to functions: MATCH, REGEXP (not in the bundled builds), -> and ->>.',
    names: words('match regexp -> ->>'),
  },
  {
    reason: 'Date and time, sqlite.org/lang_datefunc.html: they read the clock.',
    names: words(`current_date current_time current_timestamp date datetime julianday strftime time timediff
      unixepoch`),
  },
  {
    reason: 'Aggregates, sqlite.org/lang_aggfunc.html and sqlite.org/percentile.html.',
    names: words(
      `avg count group_concat median percentile percentile_cont percentile_disc string_agg sum total`,
    ),
  },
  {
    reason: 'Window functions, sqlite.org/windowfunctions.html.',
    names: words(`cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank
      row_number`),
  },
  {
    reason: 'Mathematics, sqlite.org/lang_mathfunc.html.',
    names:
      words(`acos acosh asin asinh atan atan2 atanh ceil ceiling cos cosh degrees exp floor ln log log10 log2
      mod pi pow power radians sin sinh sqrt tan tanh trunc`),
  },
  {
    reason: 'JSON, sqlite.org/json1.html.',
    names:
      words(`json json_array json_array_insert json_array_length json_each json_error_position json_extract
      json_group_array json_group_object json_insert json_object json_patch json_pretty json_quote json_remove
      json_replace json_set json_tree json_type json_valid jsonb jsonb_array jsonb_array_insert jsonb_each
      jsonb_extract jsonb_group_array jsonb_group_object jsonb_insert jsonb_object jsonb_patch jsonb_remove
      jsonb_replace jsonb_set jsonb_tree`),
  },
  {
    reason:
      'Full-text search, sqlite.org/fts5.html and sqlite.org/fts3.html: they read the index of their own table.',
    names:
      words(`bm25 fts5_get_locale fts5_insttoken fts5_locale fts5_source_id highlight matchinfo offsets optimize
      snippet`),
  },
  {
    reason: 'R*Tree and geopoly, sqlite.org/rtree.html and sqlite.org/geopoly.html.',
    names: words(`geopoly_area geopoly_bbox geopoly_blob geopoly_ccw geopoly_contains_point geopoly_group_bbox
      geopoly_json geopoly_overlap geopoly_regular geopoly_svg geopoly_within geopoly_xform rtreecheck`),
  },
];

/**
 * Functions that were reviewed and refused. All other functions are refused as well; these are
 * listed so that a test can tell them from functions that were not reviewed.
 */
export const REFUSED_FUNCTION_GROUPS: readonly Group[] = [
  { reason: 'Loads native code into the process.', names: ['load_extension'] },
  { reason: 'Takes the address of a C structure.', names: ['fts3_tokenizer', 'fts5'] },
  { reason: 'Writes into the log of the process.', names: ['sqlite_log'] },
  { reason: 'For debugging SQLite itself.', names: ['geopoly_debug', 'rtreedepth', 'rtreenode'] },
  {
    reason: 'User accounts of an RQLite built with them, which functions must not access.',
    names: words('auth_enabled auth_user_add auth_user_change auth_user_delete authenticate'),
  },
];

/** The allowed virtual table modules, with the reason for each group. */
export const MODULE_GROUPS: readonly Group[] = [
  {
    reason: 'Full-text search over tables of the same database.',
    names: words('fts3 fts3tokenize fts4 fts4aux fts5 fts5vocab'),
  },
  { reason: 'Spatial indexes in tables of the same database.', names: words('geopoly rtree rtree_i32') },
  { reason: 'Rows from a JSON argument.', names: words('json_each json_tree jsonb_each jsonb_tree') },
  { reason: 'Counts pages of the same database, and writes nothing.', names: ['dbstat'] },
];

/**
 * The options `name = value` of CREATE VIRTUAL TABLE that the allowed modules have. Values are
 * names of columns and tables, numbers, or the arguments of tokenizers.
 */
const MODULE_OPTIONS: ReadonlySet<string> = new Set(
  words(`columnsize content content_rowid contentless_delete contentless_unindexed detail languageid locale
    matchinfo notindexed order prefix tokendata tokenize`),
);

/** Options of FTS4 whose value is the name of a function, which FTS4 calls with each text. */
const FUNCTION_OPTIONS: ReadonlySet<string> = new Set(words('compress uncompress'));

/**
 * SQLite's own tables that describe the database; all other names that begin with `sqlite_` are
 * refused.
 */
const SYSTEM_TABLES: ReadonlySet<string> = new Set(
  words(`sqlite_master sqlite_schema sqlite_temp_master sqlite_temp_schema sqlite_sequence sqlite_stat1 sqlite_stat2
    sqlite_stat3 sqlite_stat4`),
);

/**
 * Table-valued functions and eponymous tables of SQLite's sources and shell that access files,
 * memory or raw pages. The bundled builds have none of them; they are listed in case a server has
 * them.
 */
const REFUSED_TABLES = new Set(words('carray fsdir lsm1 lsmode zipfile'));
const REFUSED_PREFIXES = words('pragma_ sqlite3mc_ sqlite_');
/** The first letters of the names of refused tables. */
export const REFUSED_TABLE_LETTERS: readonly string[] = [...REFUSED_TABLES, ...REFUSED_PREFIXES].map((name) =>
  name.charAt(0),
);

const ALLOWED_FUNCTIONS: ReadonlySet<string> = new Set(FUNCTION_GROUPS.flatMap(({ names }) => names));
const ALLOWED_MODULES: ReadonlySet<string> = new Set(MODULE_GROUPS.flatMap(({ names }) => names));

/** `name` must be in lower case. */
export const isAllowedFunction = (name: string): boolean => ALLOWED_FUNCTIONS.has(name);
export const isAllowedModule = (name: string): boolean => ALLOWED_MODULES.has(name);
export const isModuleOption = (name: string): boolean => MODULE_OPTIONS.has(name);
export const isFunctionOption = (name: string): boolean => FUNCTION_OPTIONS.has(name);

/**
 * Returns whether a name may refer to something that is neither a table of the namespace nor an
 * allowed module. `name` must be in lower case.
 */
export function isRefusedTable(name: string): boolean {
  if (REFUSED_TABLES.has(name)) return true;
  // `'sqlite_%'` is a LIKE pattern, which cannot name a table.
  if (!REFUSED_PREFIXES.some((prefix) => name.startsWith(prefix)) || !/^\w+$/.test(name)) return false;
  return !SYSTEM_TABLES.has(name) && !ALLOWED_FUNCTIONS.has(name);
}
