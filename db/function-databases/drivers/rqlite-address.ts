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

  const isSame = (one: string, other: string) => {
    try {
      return place(one) === place(other);
    } catch {
      // One of them makes no URL.
      return false;
    }
  };

  if (isPerNamespace && place('1') === place('2')) {
    throw new AppError(
      'bad_config',
      `FUNCTION_DB_URL has ${PLACEHOLDER} where it has no effect; put it into the host, the port or the path.`,
    );
  }
  return {
    isPerNamespace,
    urlsFor(namespace) {
      const twin = isPerNamespace ? twinsOf(namespace).find((other) => isSame(other, namespace)) : undefined;
      if (twin !== undefined) {
        throw new AppError(
          'forbidden',
          `Namespace ${namespace} can have no database: in FUNCTION_DB_URL its name means the same as ${twin}, whose database it would share.`,
        );
      }
      return urls(namespace);
    },
  };
}

/**
 * Returns the other names that a URL may not distinguish from a namespace: host names ignore case,
 * ports and IPv4 addresses ignore how a number is written. Of several such names, the one in lower
 * case and decimal has the database.
 */
function twinsOf(namespace: string): string[] {
  const lower = namespace.toLowerCase();
  const numbers = [
    ...(/^\d+$/.test(lower) ? [BigInt(lower)] : []),
    ...(/^0[0-7]+$/.test(lower) ? [BigInt(`0o${lower.slice(1)}`)] : []),
    ...(/^0x[\da-f]*$/.test(lower) ? [BigInt(`${lower}${lower === '0x' ? '0' : ''}`)] : []),
  ];
  return [lower, ...numbers.map(String)].filter((other) => other !== namespace);
}
