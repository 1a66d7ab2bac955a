/**
 * An origin as browsers serialize it: in lower case, international names in Punycode, with neither
 * a path nor a user. A `*` within it would match nothing: origins are compared, they are no
 * patterns.
 */
const SERIALIZED = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@*A-Z\u0080-\uffff]+$/;
/** Browsers leave out the port that is the default of the scheme. */
const DEFAULT_PORT = /^(http:.*:80|https:.*:443)$/;

/** What {@link isOrigin} accepts, as the end of a sentence that begins with "must be". */
export const ORIGIN_RULE =
  'an origin as browsers send it, such as "https://app.example.com" without a final slash, or "*"';

/**
 * Returns whether the text is `*` or an origin that an `Origin` header can equal, for lists of
 * origins.
 */
export function isOrigin(text: string): boolean {
  return text === '*' || text === 'null' || (SERIALIZED.test(text) && !DEFAULT_PORT.test(text));
}
