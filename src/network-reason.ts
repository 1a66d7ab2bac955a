/**
 * Descriptions of network errors by the code of the error of Node or the HTTP client. The first
 * match applies.
 */
const REASONS: readonly (readonly [code: RegExp, reason: string])[] = [
  [/^ECONNREFUSED$/, 'the connection was refused'],
  [
    /^(ECONNRESET|EPIPE|ECONNABORTED|UND_ERR_SOCKET)$/,
    'the connection was closed before the response was whole',
  ],
  [/^(ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/, 'no connection was made in time'],
  [/^(EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|EHOSTDOWN)$/, 'there is no route to it'],
  [/^(ENOTFOUND|EAI_)/, 'its name could not be resolved'],
  [/^(CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERR_TLS_CERT)/, 'its TLS certificate is not valid'],
  [/^(EPROTO$|ERR_SSL_|ERR_TLS_)/, 'it does not speak TLS as expected'],
  [/^(HPE_|UND_ERR_(HEADERS_OVERFLOW|RES))/, 'what it answered is not valid HTTP'],
];

/** Returns the reason in a few words; the complete error belongs in the engine's log. */
export function networkReason(error: unknown): string {
  const codes = codesOf(error);
  for (const [pattern, reason] of REASONS) {
    const code = codes.find((one) => pattern.test(one));
    if (code !== undefined) return isPosix(code) ? `${reason} (${code})` : reason;
  }
  return 'the connection failed';
}

/** POSIX error names are included, since people search for them. */
function isPosix(code: string): boolean {
  return /^E[A-Z]+$/.test(code);
}

/** If all of several addresses fail, Node throws an AggregateError. */
function codesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const own = 'code' in error && typeof error.code === 'string' ? [error.code] : [];
  const inner = error instanceof AggregateError ? error.errors.flatMap(codesOf) : [];
  return [...own, ...inner, ...codesOf(error.cause)];
}
