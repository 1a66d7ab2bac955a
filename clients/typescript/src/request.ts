/**
 * Returns the URL of an engine without slashes at its end. Throws a TypeError for one that no request
 * can be sent to.
 */
export function engineUrl(given: string): string {
  const example = 'such as https://functions.example.com';
  if (!URL.canParse(given))
    throw new TypeError(`The url must be an absolute URL, ${example}, not "${given}"`);
  const { protocol, username, password, search, hash } = new URL(given);
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw new TypeError(`The url must begin with http:// or https://, ${example}, not with ${protocol}`);
  }
  if (username !== '' || password !== '') {
    throw new TypeError('The url may hold no user and password; pass a credential as apiKey or token');
  }
  if (search !== '' || hash !== '') {
    throw new TypeError(`The url may hold neither a query nor a fragment, ${example}, not "${given}"`);
  }
  return given.trim().replace(/\/+$/, '');
}

/**
 * Returns header fields as they are sent. Throws a TypeError for a value that no header can hold,
 * which `fetch` would report like a lost connection. Does not show it: it may be a credential.
 */
export function headerFields(given: Readonly<Record<string, unknown>>): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    const text = String(value).replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, '');
    const at = text.search(/[^\t\x20-\x7e\x80-\xff]/);
    if (at !== -1) {
      const code = (text.codePointAt(at) ?? 0).toString(16).toUpperCase().padStart(4, '0');
      throw new TypeError(`The header ${name} cannot hold the character U+${code} of its value`);
    }
    fields[name] = text;
  }
  return fields;
}
