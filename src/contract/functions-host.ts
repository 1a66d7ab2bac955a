import { AppError } from '../errors.js';

/**
 * Returns the host or URL of a namespace's HTTP functions from a text with `{namespace}`. Throws
 * `invalid_request` for a namespace with capital letters: host names are case-insensitive, so the
 * request would reach the functions of another namespace.
 */
export function withNamespace(pattern: string, namespace: string): string {
  if (namespace === namespace.toLowerCase()) return pattern.replace('{namespace}', namespace);
  throw new AppError(
    'invalid_request',
    `The namespace "${namespace}" has capital letters, so its HTTP functions have no address while FUNCTIONS_HOST selects namespaces by host name; invoke them with POST /v1/functions/{name}/invoke, or use a namespace in lower case.`,
  );
}
