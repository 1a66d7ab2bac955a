import { AppError } from '../../../src/errors.js';

const PLACEHOLDER = '{namespace}';

/** FUNCTION_DB_URL: where the database of a namespace is. */
export interface RqliteAddress {
  /** False when there is one database for all who may use it. */
  isPerNamespace: boolean;
  /**
   * The nodes of a namespace's cluster. Throws `forbidden` when it would be another namespace's
   * too.
   */
  urlsFor(namespace: string): string[];
}

/**
 * Comma-separated nodes, with or without `{namespace}`. Throws `bad_config` when it is there and
 * tells nothing apart.
 */
export function parseAddress(url: string): RqliteAddress {
  const isPerNamespace = url.includes(PLACEHOLDER);
  const urls = (namespace: string) =>
    url
      .replaceAll(PLACEHOLDER, namespace)
      .split(',')
      .map((one) => one.trim());
  // What a request goes by: credentials, queries and fragments do not lead to another database.
  const place = (namespace: string) =>
    urls(namespace)
      .map((one) => new URL(one))
      .map(({ origin, pathname }) => origin + pathname)
      .join();

  if (isPerNamespace && place('1') === place('2')) {
    throw new AppError(
      'bad_config',
      `FUNCTION_DB_URL has ${PLACEHOLDER} where it changes nothing; put it into the host, the port or the path.`,
    );
  }
  return {
    isPerNamespace,
    urlsFor(namespace) {
      const lower = namespace.toLowerCase();
      if (isPerNamespace && namespace !== lower && place(namespace) === place(lower)) {
        throw new AppError(
          'forbidden',
          `Namespace ${namespace} can have no database: a host name does not tell it from ${lower}.`,
        );
      }
      return urls(namespace);
    },
  };
}
