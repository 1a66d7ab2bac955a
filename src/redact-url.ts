/**
 * Returns the URL for messages and logs, without password, user name (which may be a token) and
 * query.
 */
export function redactUrl(url: string): string {
  if (!URL.canParse(url)) return '(not a URL)';
  const shown = new URL(url);
  if (shown.username !== '') shown.username = '***';
  if (shown.password !== '') shown.password = '***';
  // Some clients accept secrets as query parameters.
  shown.search = '';
  return shown.href;
}
