/** Maximum length of a host name in DNS (RFC 1035 §2.3.4), here with the final dot. */
const MAX_HOST_LENGTH = 254;
/** The authority of a URL whose host name the URL parser converts to Punycode. */
const AUTHORITY = /^[\0-\x20]*(?:(?:https?|wss?|ftp|file):[/\\]*|[/\\]{2,})([^/\\?#]*)/i;

/**
 * Parses a URL. Returns null for a text that is none, and for a host longer than DNS allows: the
 * URL parser converts international names in a time that grows with the square of their length, so
 * the length is limited before.
 */
export function parseUrl(text: string, base?: URL): URL | null {
  if (isLongHost(text) || !URL.canParse(text, base?.href)) return null;
  const url = new URL(text, base);
  // The name is longer in Punycode.
  return url.hostname.length > MAX_HOST_LENGTH ? null : url;
}

function isLongHost(text: string): boolean {
  // The URL parser ignores these wherever they are.
  const [, authority = ''] = AUTHORITY.exec(text.replace(/[\t\n\r]/g, '')) ?? [];
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  return host.replace(/:\d*$/, '').length > MAX_HOST_LENGTH;
}
