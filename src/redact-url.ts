/**
 * A URL as it may be shown in messages and logs: the password, and a user name that may be a token,
 * are left out.
 */
export function redactUrl(url: string): string {
  if (!URL.canParse(url)) return '(not a URL)';
  const shown = new URL(url);
  if (shown.username !== '') shown.username = '***';
  if (shown.password !== '') shown.password = '***';
  // Some clients take secrets as query parameters too; nothing in them helps to find the server.
  shown.search = '';
  return shown.href;
}
