/** Returns the conventional spelling of a header name: `x-request-id` → `X-Request-ID`. */
export function headerName(key: string): string {
  return key
    .split('-')
    .map((part) => (part === 'id' ? 'ID' : part.charAt(0).toUpperCase() + part.slice(1)))
    .join('-');
}
