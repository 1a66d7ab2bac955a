import { AppError } from '../../../src/errors.js';

const PLACEHOLDER = '{namespace}';

/** The parsed FUNCTION_DB_URL, which locates the database of a namespace. */
export interface RqliteAddress {
  /** False when there is a single database. */
  isPerNamespace: boolean;
  /**
   * Returns the URLs of the nodes of a namespace's cluster. Throws `forbidden` when another
   * namespace would have the same URLs.
   */
  urlsFor(namespace: string): string[];
}

/**
 * Parses comma-separated node URLs, with or without `{namespace}`. Throws `bad_config` when
 * `{namespace}` does not distinguish databases.
 */
export function parseAddress(url: string): RqliteAddress {
  const isPerNamespace = url.includes(PLACEHOLDER);
  const urls = (namespace: string) =>
    url
      .replaceAll(PLACEHOLDER, namespace)
      .split(',')
      .map((one) => one.trim());
  // The part of a URL that selects a server: credentials, queries and fragments do not lead to a
  // different database.
  const place = (namespace: string) =>
    urls(namespace)
      .map((one) => new URL(one))
      .map(({ origin, pathname }) => origin + pathname)
      .join();

  if (isPerNamespace && place('1') === place('2')) {
    throw new AppError(
      'bad_config',
      `FUNCTION_DB_URL has ${PLACEHOLDER} where it has no effect; put it into the host, the port or the path.`,
    );
  }
  return {
    isPerNamespace,
    urlsFor(namespace) {
      const lower = namespace.toLowerCase();
      if (isPerNamespace && namespace !== lower && place(namespace) === place(lower)) {
        throw new AppError(
          'forbidden',
          `Namespace ${namespace} can have no database: host names ignore case, so it would share the database of ${lower}.`,
        );
      }
      return urls(namespace);
    },
  };
}
