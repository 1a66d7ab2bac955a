/**
 * Returns whether what a Redis URL has beside its host can be used. ioredis throws on credentials
 * that are not percent-encoded, and takes a path that is not the number of a database for one.
 */
export function isUsableRedisUrl(text: string): boolean {
  const { username, password, pathname, searchParams } = new URL(text);
  const databases = [pathname.slice(1), searchParams.get('db') ?? ''];
  return databases.every((one) => /^\d*$/.test(one)) && isEncoded(username) && isEncoded(password);
}

function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
